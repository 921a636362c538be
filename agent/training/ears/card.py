"""What does a model card say, so that a user knows what the weights are and are not?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.training.ears.evaluate import Figure

ATTRIBUTION = """\
| data | licence | by |
|---|---|---|
| speechocean762 | CC BY 4.0 | Zhang et al. 2021 |
| WUW-II corpus, telephone calls | CC BY-SA 4.0 | Kepuska 2011 |
| dataset-voice-kathleen | CC0 | its contributors |
| VCTK, speaker p239 | ODC-By 1.0 | Veaux et al. 2012 |
| Speech Commands, test part | CC BY 4.0 | Warden 2018 |
| Free Spoken Digit Dataset | CC BY-SA 4.0 | Jackson et al. |
| alphanumeric names, numbers, addresses (text inferred from prompts) | MIT | its contributors |
| ESC-10, noise | CC BY, per clip | Piczak 2015 |
| Banking77: written requests, for word order and synthesis | CC BY 4.0 | Casanueva et al. 2020 |
| NatCS, the same | CDLA-Permissive 2.0 | Gung et al. 2023 |
| MultiDoGO, word order | CDLA-Permissive 1.0 | Peskov et al. 2019 |
| espeak-ng: synthetic phrases, in training alone | made for this | espeak-ng contributors |
"""


@dataclass(frozen=True, slots=True)
class Made:
    """How these weights came to be."""

    command: str
    minutes: float
    steps: int
    epochs: int
    remark: str = ""


def ears_card(
    out: Path, made: Made, found: Sequence[Figure], error: float, difference: float
) -> None:
    rows = "\n".join(f"| {f.name} | {f} | {f.turns} | {f.speakers} |" for f in found)
    text = f"""\
# Ears: what callers say

A HuBERT encoder of 5.3 M parameters with a CTC head over letters, trained from scratch for American
customer service on the telephone. Two convolutions, begun as a filter bank, take the place of
HuBERT's seven. It opens with `transformers.HubertForCTC.from_pretrained`, and streams exactly when
run by `audio.encoder`: each 200 ms chunk attends to itself and the 1.2 s before it, in training
too. The largest difference of a streamed output to the offline one, over 20 test recordings cut
into random packets, was {difference:.1e}.

`words.arpa` and `words.lexicon` serve open questions; `calibration.json` turns evidence into
confidence.

**Licence** of the weights: CC BY-SA 4.0, the strictest of the data's.

## Data

{ATTRIBUTION}
No speaker is in two splits. wuw2's doubtful rows were dropped.

## Figures

Unseen speakers, through 8 kHz mu-law unless it says wide band; 95 % intervals by bootstrap over
speakers. "Asked for" means that the dialogue told the ears what it expects.

| task | figure (95 %) | turns | speakers |
|---|---|---|---|
{rows}

Expected calibration error of the confidence over all these turns: {error:.3f}.

    hearken evaluate ears --data DIR

prints this table.

## Made by

    {made.command}

{made.minutes:.0f} minutes of wall clock on two CPU cores that others used too, {made.steps} steps,
{made.epochs} passes over the data. {made.remark}

## Limits

- Closed questions (menu words, digits, yes and no) are what this size and this much training can
  do. Open sentences come out mostly wrong: ask closed questions, or put a larger checkpoint in its
  place.
- The digit strings of speechocean762 are read by children with Mandarin accents, and few. Joined
  digits are real voices with made-up pauses. FSDD's test split is one speaker.
- The keywords of the telephone corpus are the five it has; other menu words were heard in
  sentences, or from a synthesiser, and are not measured.
- Amounts, dates and names were heard in training as synthetic speech alone and are not measured.
- English only.
"""
    (out / "README.md").write_text(text)


def emotion_card(
    out: Path,
    made: Made,
    ravdess: tuple[float, float, float],
    telephone: tuple[float, float, float],
    sentence: tuple[float, float, float],
    german: tuple[float, float, float],
    temperature: float,
) -> None:
    def shown(figure: tuple[float, float, float]) -> str:
        value, low, high = figure
        return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"

    text = f"""\
# Emotion: how callers sound

A head over the ears' encoder pass: a learned blend of its layers, attentive pooling, prosody
(without loudness) -> seven emotions, arousal, valence. Probabilities are temperature-scaled
({temperature:.2f}) on dev speakers.

**Licence: CC BY-NC-SA 4.0, not for commercial use**, because its training data is. Hearken runs
without it: then no emotion is inferred, and escalation relies on words and prosody.

## Data

| data | licence | by |
|---|---|---|
| RAVDESS, 24 actors, English ("calm" joins neutral) | CC BY-NC-SA 4.0 | Livingstone & Russo 2018 |
| nEMO, 9 actors, Polish | CC BY-NC-SA 4.0 | Christop 2024 |

Measured only: EmoDB (Burkhardt 2005). Arousal and valence were derived from the acted categories.

## Figures

UA is the mean recall over classes; chance is 14.3 %. 95 % intervals by bootstrap over speakers.

| test | UA (95 %) |
|---|---|
| RAVDESS, six folds of four unseen actors, wide band | {shown(ravdess)} |
| the same through 8 kHz mu-law | {shown(telephone)} |
| RAVDESS, unseen sentence, same actors | {shown(sentence)} |
| EmoDB, German, 10 unseen speakers, six shared classes | {shown(german)} |

## Made by

    {made.command}

## Limits

- Taught by actors who exaggerate. Real callers are subtler: read it as one cue among others, never
  alone. The head abstains on less than 0.4 s of voice and when no emotion reaches 28 %.
- Sentences of two seconds; longer turns mix feelings.
- Emotion differs by culture and language; two languages were heard.
"""
    (out / "README.md").write_text(text)
