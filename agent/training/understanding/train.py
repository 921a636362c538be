"""What does `hearken train understanding` do, from sentences to weights and model card?

    hearken train understanding --data DIR     about four minutes on one core, weights of 3 MB
    hearken train understanding --pack DIR     without public data: the pack's own examples alone

Where the emotion head left `emotion/held_out.jsonl` among the weights, the voice's part in fusion
is learned from it and stored beside it (voices.py).

Prints and stores the figures in the card beside the weights. Choices are made on tuning splits;
test splits are read once, here, after the weights are final. Invariant, held by
tests/agent/training/test_understanding.py: a pack of any vocabulary gets a model of its
own intents.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agent.training.understanding import evaluate, feelings, intents, prepare, voices
from agent.training.understanding.card import write_card
from agent.training.understanding.feelings import FeelingSettings
from agent.training.understanding.figures import Figure
from agent.training.understanding.intents import IntentSettings
from agent.training.understanding.prepare import Example
from agent.understanding.text import FeelingModel, IntentModel
from dialogs.pack import BANK, Pack

FOLDER = "understanding"  # below the folder of all weights
INTENTS, FEELINGS = "intents.safetensors", "feelings.safetensors"
PACKAGE = Path(__file__).parents[2]
SHIPPED = PACKAGE / "weights" / FOLDER / FEELINGS
HELD_OUT = PACKAGE.parent / "tests" / "data" / "bank_turns.jsonl"  # customers of the bank pack


@dataclass(frozen=True, slots=True)
class Settings:
    intents: IntentSettings = field(default_factory=IntentSettings)
    feelings: FeelingSettings = field(default_factory=FeelingSettings)
    seed: int = 0


def train_understanding(
    data: Path | None,
    out: Path,
    pack: Path = BANK,
    console: Console | None = None,
    settings: Settings | None = None,
) -> list[Figure]:
    """Train, store in a folder of `out`, measure, and write the card beside the weights."""
    settings, console = settings or Settings(), console or Console()
    loaded, folder = Pack.load(pack), out / FOLDER
    bank = pack.resolve() == BANK.resolve()
    with Progress(console=console, transient=True) as progress:
        work = progress.add_task("sentences", total=4)
        own = feelings.own_intents() if bank else []
        rows = prepare.examples(data, loaded, own) if data else prepare.own_examples(loaded, own)
        progress.update(work, advance=1, description="intents")
        intent_model(rows, loaded, settings).save(folder / INTENTS)
        progress.update(work, advance=1, description="feelings")
        _store_feelings(folder, rows, data, settings)
        progress.update(work, advance=1, description="figures")
        figures = measured(folder, rows, data, HELD_OUT if bank and HELD_OUT.exists() else None)
        figures += _voice_weights(folder, out / "emotion")
        progress.update(work, advance=1)
    console.print(table(figures))
    model = IntentModel.load(folder / INTENTS)
    write_card(folder, loaded, model, data is not None, settings, figures)
    return figures


def intent_model(rows: Sequence[Example], pack: Pack, settings: Settings) -> IntentModel:
    """Fitted twice: without a quarter of our own sentences to tune on, then with all of them."""
    training = [row for row in rows if row.split == "train"]
    held = [row for row in training if row.source == "own" and prepare.part(row.text, 4) == 0]
    kept = [row for row in training if row not in set(held)]
    first = intents.fitted(kept, pack, settings.intents, settings.seed)
    tuning = [row for row in rows if row.split == "dev"] + held
    tuned = intents.calibrated(first, tuning, settings.intents, settings.seed)
    last = intents.fitted(training, pack, settings.intents, settings.seed)
    return replace(
        last,
        temperature=tuned.temperature,
        threshold=tuned.threshold,
        heard_floor=tuned.heard_floor,
    )


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
    feelings.fitted(public, settings.feelings, settings.seed).save(folder / FEELINGS)


def _voice_weights(folder: Path, emotion: Path) -> list[Figure]:
    """What the voice adds, when the emotion head left its verdicts on speakers it did not know."""
    told = emotion / "held_out.jsonl"
    if not told.exists():
        return []
    usual, heard = FeelingModel.load(folder / FEELINGS).usual, voices.read(told)
    voices.store(voices.fitted(heard, usual), emotion / "upset.json")
    return voices.figures(heard, usual)


def measured(
    folder: Path, rows: Sequence[Example], data: Path | None, turns: Path | None
) -> list[Figure]:
    """Figures of the weights as they are on disk."""
    intent, feeling = IntentModel.load(folder / INTENTS), FeelingModel.load(folder / FEELINGS)
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
