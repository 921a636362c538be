"""What does `hearken train understanding` do, from sentences to weights and model card?

    hearken train understanding --data DIR     the first time an hour, then five minutes; 3 MB
    hearken train understanding --pack DIR     without public data: the pack's own examples alone

The hour is spent saying sentences and hearing them with the shipped ears (heard.py).

Where the emotion head left `emotion/held_out.jsonl` among the weights, the voice's part in fusion
is learned from it and stored beside it (voices.py).

Prints and stores the figures in the card beside the weights. Choices are made on tuning splits;
test splits are read once, here, after the weights are final. Invariant, held by
tests/agent/training/test_understanding.py: a pack of any vocabulary gets a model of its
own intents.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agent.lab.training.understanding import evaluate, intents, tuning
from agent.lab.training.understanding import examples as prepare
from agent.lab.training.understanding import sentiment as feelings
from agent.lab.training.understanding import voice_evidence as voices
from agent.lab.training.understanding.card import write_card
from agent.lab.training.understanding.confusions import Confusions, widened
from agent.lab.training.understanding.examples import Example
from agent.lab.training.understanding.figures import Figure
from agent.lab.training.understanding.intents import IntentSettings
from agent.lab.training.understanding.sentiment import FeelingSettings
from agent.lab.training.understanding.synthetic_transcripts import (
    Heard,
    is_tuning,
    known,
    taught,
    tuning_voices_alone,
    without_tuning_voices,
)
from agent.understanding.hidden_layer import Sentences
from agent.understanding.text_models import FeelingModel, IntentModel
from dialogs.pack.model import BANK, Pack
from dialogs.values import OUT_OF_SCOPE

FOLDER = "understanding"  # below the folder of all weights
INTENTS, FEELINGS = "intents.safetensors", "feelings.safetensors"
PACKAGE = Path(__file__).parents[3]
SHIPPED = PACKAGE / "weights" / FOLDER / FEELINGS
OUTSIDE = Path(__file__).parent / "outside.jsonl"
HELD_OUT = PACKAGE.parent / "tests" / "data" / "bank_turns.jsonl"  # customers of the bank pack


@dataclass(frozen=True, slots=True)
class Settings:
    intents: IntentSettings = field(default_factory=IntentSettings)
    feelings: FeelingSettings = field(default_factory=FeelingSettings)
    seed: int = 0


# On the bank's mixture of public sets a hidden layer hears noise better (84.8 against 83.7 % of the
# tuning split), and what is typed worse (90.6 against 91.9 %, sets counting alike): none.
PUBLIC = Settings(IntentSettings(hidden=0))


def train_understanding(
    data: Path | None,
    out: Path,
    pack: Path = BANK,
    console: Console | None = None,
    settings: Settings | None = None,
    work: Path | None = None,
    sentences: str = "",
) -> list[Figure]:
    """Train, store in a folder of `out`, measure, and write the card beside the weights.

    With `work`, a folder, the sentences are also learned as our own transcriber hears them; that
    takes a seventh of a second a sentence, once. `sentences` names a sentence encoder to train
    beside: a file of its own, and the one without it stays.
    """
    loaded, folder, console = Pack.load(pack), out / FOLDER, console or Console()
    bank = pack.resolve() == BANK.resolve()
    settings = settings or (PUBLIC if bank and data else Settings())
    encoder = None
    if sentences:
        from agent.understanding.sentence_encoder import SentenceEncoder  # slow to import

        encoder = SentenceEncoder.open(sentences)
    own = feelings.own_intents() if bank else []
    rows = prepare.examples(data, loaded, own) if data else prepare.own_examples(loaded, own)
    if not bank or data is None:
        rows += prepare.anything(data) if data else outside()
    ears, told = PACKAGE / "weights" / "ears", list[Heard]()
    if work is not None and ears.exists():
        rows = taught(rows, ears, work, console)
        told = known(ears, work)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("intents", total=3)
        model = intent_model(rows, loaded, settings, encoder, told)
        stored = folder / (f"intents-{encoder.sha256}.safetensors" if encoder else INTENTS)
        model.save(stored)
        progress.update(task, advance=1, description="feelings")
        _store_feelings(folder, rows, data, settings)
        progress.update(task, advance=1, description="figures")
        model = IntentModel.load(stored, encoder)
        turns = HELD_OUT if bank and HELD_OUT.exists() else None
        figures = measured(model, folder, rows, data, turns)
        figures += _voice_weights(folder, out / "emotion")
        progress.update(task, advance=1)
    console.print(table(figures))
    if encoder is None:
        heard = any(row.heard for row in rows)
        write_card(folder, loaded, model, data is not None, settings, figures, heard)
    return figures


def outside() -> list[Example]:
    """What no business is asked, for packs that come without public data."""
    with OUTSIDE.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    return [Example(text, OUT_OF_SCOPE, "outside", "train") for text in texts]


def intent_model(
    rows: Sequence[Example],
    pack: Pack,
    settings: Settings,
    sentences: Sentences | None = None,
    told: Sequence[Heard] = (),
) -> IntentModel:
    """Fitted without what it is tuned on, sentences and voices, and once more with everything.

    `told` is what the ears made of sentences, whose mistakes are made again on all others.
    """
    confusions = Confusions.learned(told)
    others = Confusions.learned(one for one in told if not is_tuning(one.voice))

    def fit(some: Sequence[Example], mistakes: Confusions = others) -> IntentModel:
        some = widened(some, mistakes, seed=settings.seed)
        return intents.fitted(some, pack, settings.intents, settings.seed, sentences)

    training = [row for row in rows if row.split == "train"]
    dev = [row for row in rows if row.split == "dev"]
    if dev:
        held = {row for row in training if row.source == "own" and prepare.part(row.text, 4) == 0}
        kept = [row for row in training if row not in held]
        unseen_rows = tuning_voices_alone([*dev, *held])
        unseen = tuning.scored(fit(without_tuning_voices(kept)), unseen_rows)
    else:
        unseen_rows, unseen = training, tuning.cross_fitted(training, fit)
    last = tuning.tuned(fit(training, confusions), unseen, settings.intents)
    return replace(last, heard_floor=tuning.heard_floor(last, unseen_rows, settings.seed))


def _store_feelings(
    folder: Path, rows: Sequence[Example], data: Path | None, settings: Settings
) -> None:
    """Without public data the shipped model is kept: it knows more words than our sentences."""
    if data is None and SHIPPED.exists():
        if (folder / FEELINGS).resolve() != SHIPPED.resolve():
            shutil.copy(SHIPPED, folder / FEELINGS)
        return
    public = []
    if data is not None:
        public = list(feelings.goemotions(data, "train"))
        public += feelings.calm_turns(rows, "train", settings.feelings.calm_turns)
    model = feelings.fitted(public, settings.feelings, settings.seed)
    dev = list(feelings.goemotions(data, "dev")) if data is not None else []
    feelings.sharpened(model, dev).save(folder / FEELINGS)


def _voice_weights(folder: Path, emotion: Path) -> list[Figure]:
    """What the voice adds, when the emotion head left its verdicts on speakers it did not know."""
    told = emotion / "held_out.jsonl"
    if not told.exists():
        return []
    usual, heard = FeelingModel.load(folder / FEELINGS).usual, voices.read(told)
    voices.store(voices.fitted(heard, usual), emotion / "upset.json")
    return voices.figures(heard, usual)


def measured(
    intent: IntentModel,
    folder: Path,
    rows: Sequence[Example],
    data: Path | None,
    turns: Path | None,
) -> list[Figure]:
    """Figures of the weights as they are on disk."""
    feeling = FeelingModel.load(folder / FEELINGS)
    written = evaluate.bank_turns(turns) if turns else []
    written = [turn for turn in written if turn.intent is None or turn.intent in intent.intents]
    figures = evaluate.intents(intent, rows, written)
    figures += evaluate.heard(intent, written)
    figures += evaluate.scope_figures(intent, rows)
    figures += evaluate.calibration(intent, rows, written)
    felt = list(feelings.goemotions(data, "test")) if data else []
    figures += evaluate.feelings(feeling, felt, written)
    figures += evaluate.satisfaction(feeling, data) if data else []
    texts = [turn.text for turn in written] or [row.text for row in rows[:200]]
    median, high = evaluate.milliseconds(lambda text: (intent(text), feeling(text)), texts)
    figures.append(Figure("one turn, one core", "milliseconds", median, median, high, len(texts)))
    return figures


def table(figures: Sequence[Figure]) -> Table:
    shown = Table("measured on", "measure", "value", "95 % interval", "rows", title="understanding")
    for row in figures:
        shown.add_row(
            row.name, row.measure, f"{row.value:.3f}", f"{row.low:.3f} to {row.high:.3f}",
            str(row.rows),
        )  # fmt: skip
    return shown
