"""Model cards of the speech encoder and the emotion head: data, licences, figures and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.lab.figures import Figure
from agent.lab.statistics import interval_note
from agent.lab.training.ears.evaluate import recognition_cells

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
| CLINC150, word order | CC BY 3.0 | Larson et al. 2019 |
| NLU++ banking, word order | CC BY 4.0 | Casanueva et al. 2022 |
| SGD, banks and payments, word order | CC BY-SA 4.0 | Rastogi et al. 2020 |
| HarperValleyBank, eight calls, word order | Apache-2.0 | Wu et al. 2020 |
| GoEmotions, word order | Apache-2.0 | Demszky et al. 2020 |
| synthetic phrases, in training alone: espeak-ng in 65 voices; flite and festival in seven that \
were built from recorded people | made for this | their contributors |
"""


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """How these weights were trained."""

    command: str
    minutes: float
    steps: int
    earlier_steps: int = 0  # steps of the training that this one continued


def write_ears_card(
    out: Path,
    record: TrainingRecord,
    figures: Sequence[Figure],
    calibration_error: float,
    streaming_difference: float,
) -> None:
    earlier = (
        f", {record.earlier_steps} of them in an earlier training (`--start`)"
        if record.earlier_steps
        else ""
    )
    rows = "\n".join(f"| {' | '.join(recognition_cells(figure))} |" for figure in figures)
    text = f"""\
# Ears: speech recognition

A HuBERT encoder of 5.3 M parameters with CTC heads over letters and over phones, trained from
scratch for American customer service on the telephone. Two convolutions, initialised as a filter
bank, replace HuBERT's seven. Letters give the text while the caller speaks; at the end of a turn
phones decide, because spelling says little about sound: any word that a pack names is recognised by
its pronunciation. It opens with `transformers.HubertForCTC.from_pretrained`, and streams exactly
when run by `audio.encoder`: each 320 ms chunk attends to itself and to 1.3 s before it, in training
too. The largest difference of a streamed output to the offline one, over 20 test recordings cut
into random packets, was {streaming_difference:.1e}.

`phones.safetensors` is the head for phones, `words.arpa` (a pruned trigram) and `words.lexicon`
(pronunciations) serve open questions, `calibration.json` turns evidence into confidence.

**Licence** of the weights: CC BY-SA 4.0, the strictest of the data's.

## Data

{ATTRIBUTION}
No speaker is in two splits. wuw2's doubtful rows were dropped.

## Figures

Unseen speakers, through 8 kHz mu-law unless it says wide band.
{interval_note("speakers")}.
"Asked for" means that the dialogue told the recogniser what it expects.

| task | figure (95 %) | turns | speakers |
|---|---|---|---|
{rows}

Expected calibration error of the confidence over all these turns: {calibration_error:.3f}.

    hearken evaluate ears --data DIR

prints this table.

## Made by

    {record.command}

{record.minutes:.0f} minutes of wall clock on two CPU cores that others used too,
{record.steps} steps{earlier}.

## Limits

- This size and this much training suffice for closed questions (menu words, digits, yes and no).
  Open sentences come out mostly wrong: ask closed questions, or use a larger checkpoint instead.
- The digit strings of speechocean762 are read by children with Mandarin accents, and few. Joined
  digits are real voices with made-up pauses. FSDD's test split is one speaker.
- The telephone corpus has five keywords; other menu words occurred in training sentences or
  synthetic speech, and are not measured.
- Amounts, dates and names occurred in training as synthetic speech alone and are not measured.
- English only.
"""
    (out / "README.md").write_text(text)


def write_emotion_card(out: Path, rows: Mapping[str, str], temperature: float) -> None:
    table = "\n".join(f"| {name} | {figure} |" for name, figure in rows.items())
    text = f"""\
# Emotion: how callers sound

A head of 0.32 M parameters over the speech encoder: a learned blend of its layers, and how timbre,
pitch and loudness of the voice differ from what is usual for this caller; attentive pooling; eight
acted emotions, of which calm counts as neutral afterwards. Arousal and valence follow from these
categories (Russell 1980). Probabilities are temperature-scaled
({temperature:.2f}) on dev speakers.

**Licence: CC BY-NC-SA 4.0, not for commercial use**, because its training data is. Hearken runs
without it: then no emotion is inferred, and escalation relies on words and prosody.

## Data

| data | licence | by |
|---|---|---|
| RAVDESS, 24 actors, English | CC BY-NC-SA 4.0 | Livingstone & Russo 2018 |
| nEMO, 9 actors, Polish | CC BY-NC-SA 4.0 | Christop 2024 |

Measured only: EmoDB (Burkhardt 2005).

## Figures

Six folds of four actors on whom the head was not trained; each actor's sentences in random order,
as turns of one call, each relative to that caller's earlier turns. UA is the mean recall over
classes; chance is 12.5 % for eight.
{interval_note("speakers")}.

| test | figure (95 %) |
|---|---|
{table}

## What a voice says about being upset

`upset.json` turns the probabilities into evidence for fusion: a logistic regression on what the six
fold heads predict for their held-out actors, with angry and disgusted as upset, shrunk by 0.6
because actors exaggerate. `hearken train ears` writes the predictions (`held_out.jsonl`);
`hearken train understanding` learns from them and prints how well that works.

## Made by

    hearken train ears --data DIR

## Limits

- Trained on actors, who exaggerate. Real callers are subtler: use it as one cue among others, never
  alone. The head abstains on less than 0.4 s of voice and when no emotion reaches 28 %.
- Two English sentences, said by 24 people: other words are harder, as the row on unseen sentences
  shows, and other languages harder still.
- Sentences of two seconds; longer turns mix feelings, and only the last ten seconds are judged.
"""
    (out / "README.md").write_text(text)
