"""Model card of the text models, written last in a training run.

It names every source with its licence, the command that makes the weights again, and the figures of
that very run, so that card and weights cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.lab.figures import Figure, figures_markdown
from agent.lab.statistics import interval_note
from agent.lab.training.understanding.sentiment import read_own_sentences
from agent.lab.training.understanding.settings import TextModelSettings
from agent.understanding.multi_intent import MIN_CONFIDENCE
from agent.understanding.text_models import IntentModel
from dialogs.pack.model import Pack

SOURCES = (
    ("Banking77", "Casanueva et al. 2020, PolyAI", "CC BY 4.0", "intents"),
    ("CLINC150", "Larson et al. 2019", "CC BY 3.0", "intents, out of scope"),
    ("NatCS intents", "Gung et al. 2023, Amazon", "CDLA-Permissive-2.0", "intents"),
    ("MultiDoGO", "Peskov et al. 2019, Amazon", "CDLA-Permissive-1.0", "intents"),
    ("NLU++ banking", "Casanueva et al. 2022, PolyAI", "CC BY 4.0", "intents"),
    ("SGD, bank and payment dialogues", "Rastogi et al. 2020, Google", "CC BY-SA 4.0", "intents"),
    ("EVI", "Spithourakis et al. 2022, PolyAI", "CC BY 4.0", "intent `inform`"),
    ("NeMo text processing test cases", "NVIDIA", "Apache-2.0", "intent `inform`"),
    ("Disfl-QA", "Gupta et al. 2021, Google", "CC BY 4.0", "out of scope"),
    ("GoEmotions", "Demszky et al. 2020, Google", "Apache-2.0", "sentiment, upset"),
    ("pack and sentences.jsonl", "this project", "Apache-2.0", "everything"),
)

CARD_TEMPLATE = """# Understanding: text models

`intents.safetensors` (intent and out of scope): a linear model over TF-IDF of words, word pairs
and letter groups{hidden}.
`feelings.safetensors` (sentiment and the upset score): linear models over words and word pairs.
Pack: {pack}. Intents: {intents}.

Make them again, with the public sets in a folder laid out as in
`agent/lab/training/understanding/examples.py`:

    hearken train understanding --data DIR

## Intended use

Understanding customers who write or speak English to a bank, as one of several signals. `upset` is
about the words of one turn. It is no measure of a person, it is wrong often enough (see below) that
nothing should follow from one turn alone, and it must not be used on employees.

## Data

{sources}

Which public intent counts as which of ours, and which are left out: `mapping.py` there. Every
sentence also trains with the errors of a weak recogniser (`noise.py`){heard}. The sets that are
only measured on here (USS, STAR's ratings) were not trained on. Licence of the weights: CC BY-SA
4.0, the strictest of the sources.

## How the numbers are meant

- An intent's probability is a temperature-scaled margin. A turn is out of scope when its likeliest
  intent stays under a threshold that rejects {rejected:.0%} of in-scope turns of the tuning split,
  all intents weighing equally; that share of wrong refusals is the price of the recall below.
  Temperature {temperature:.3f} ({hearing:.3f} for transcribed words), threshold {threshold:.3f}.
- The conformal set of a turn (`possible`) contains the true intent in {level:.0%} of turns,
  guaranteed separately for typed and transcribed turns, and for turns with and without a clear
  likeliest intent.
- Turns that ask for several things are cut at their connectives where every piece is a request of
  its own, at least {clear:.0%} sure.
- `hearken evaluate understanding` measures both, and this way of training on public benchmarks.
- A spoken turn's confidence is multiplied by {floor:.2f} + {rest:.2f} x transcript confidence,
  fitted on noisy copies of the tuning split: the words themselves already show most errors.
- `upset` is calibrated to customers of whom {usual:.0%} are upset. With another share the log-odds
  shift by the difference.
- Fusion assumes that words and voice are independent given the mood. Its voice weights are fitted
  on held-out speakers of the emotion sets (`upset.json` beside the emotion weights, under their
  licence); without that file the chosen ones in `agent/understanding/mood_fusion.py` are used,
  which no data backs.
- Calibration of `upset` rests on {own} sentences of our own, each scored by a model that had not
  seen it; no recorded bank call was available to check it against.
- The held-out bank turns were written by the people who wrote the training sentences, in other
  words but with the same bank in mind: expect less from real callers. Errors on those written
  before training were looked at while sentences were still being added; those written after were
  not, and nothing was changed once they were measured.
- Public test splits decided nothing, save that a low first figure on SGD led to its errors on the
  tuning split, and these to leaving out its longer `INFORM` turns, in training and in figures.
- The CLINC150 figures are not its published benchmark: its intents are mapped to ours, and those of
  other trades train as out of scope.

## Figures

Choices were made on tuning splits. {intervals}.
Milliseconds run from the median to the 95th percentile, on a machine busy with other work.
Settings:
{settings}

{figures}
"""

HIDDEN_LAYER_TEXT = ", and a hidden layer of {} units beside it,\nwhose scores are added"
TRANSCRIPTS_TEXT = """, many as
our own transcriber wrote them down from synthetic voices over a telephone line
(`synthetic_transcripts.py`), and all others with its typical errors (`confusions.py`)"""


def write_card(
    out: Path,
    pack: Pack,
    intent_model: IntentModel,
    has_public_data: bool,
    settings: TextModelSettings,
    figures: Sequence[Figure],
    has_transcripts: bool,
) -> None:
    """Write `out`/README.md for the weights of this run."""
    sources = SOURCES if has_public_data else SOURCES[-1:]
    lines = ["| source | by | licence | for |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(source)} |" for source in sources]
    text = CARD_TEMPLATE.format(
        pack=pack.bank_name,
        intents=len(pack.intents),
        sources="\n".join(lines),
        rejected=settings.intents.rejected_share,
        usual=settings.sentiment.upset_prior,
        own=len(read_own_sentences()),
        temperature=intent_model.temperature,
        threshold=intent_model.threshold,
        floor=intent_model.transcript_floor,
        hearing=intent_model.for_transcripts.temperature,
        hidden=HIDDEN_LAYER_TEXT.format(intent_model.hidden_layer.input_weights.shape[1])
        if intent_model.hidden_layer
        else "",
        level=intent_model.conformal.level,
        clear=MIN_CONFIDENCE,
        heard=TRANSCRIPTS_TEXT if has_transcripts else "",
        rest=1.0 - intent_model.transcript_floor,
        settings=f"`{settings}`",
        figures=figures_markdown(figures),
        intervals=interval_note(),
    )
    (out / "README.md").write_text(text, encoding="utf-8")
