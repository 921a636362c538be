"""`hearken train understanding`: from sentences to weights, figures and model card.

    hearken train understanding --data DIR     the first time an hour, then five minutes; 3 MB
    hearken train understanding --pack DIR     without public data: the pack's own examples alone

The hour goes into speaking sentences and transcribing them with the shipped speech models
(synthetic_transcripts.py).

Where the emotion head left `emotion/held_out.jsonl` among the weights, the voice weights of the
fusion are fitted to it and stored beside it (voice_evidence.py).

Prints the figures and stores them in the card beside the weights. Choices are made on tuning
splits; test splits are read once, here, after the weights are final. Invariant, held by
tests/agent/lab/training/test_understanding.py: a pack of any vocabulary gets a model of its
own intents.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from agent.lab.figures import Figure, figures_table, range_figure
from agent.lab.json_lines import read_json_lines
from agent.lab.training.understanding import evaluate, intents, tuning
from agent.lab.training.understanding import examples as prepare
from agent.lab.training.understanding import sentiment as feelings
from agent.lab.training.understanding import voice_evidence as voices
from agent.lab.training.understanding.card import write_card
from agent.lab.training.understanding.confusions import WordConfusions, add_noisy_copies
from agent.lab.training.understanding.examples import IntentExample
from agent.lab.training.understanding.satisfaction_figures import satisfaction_figures
from agent.lab.training.understanding.settings import BANK_SETTINGS, TextModelSettings
from agent.lab.training.understanding.synthetic_transcripts import (
    SyntheticTranscript,
    drop_tuning_voice_transcripts,
    is_tuning_voice,
    keep_tuning_voice_transcripts,
    read_transcripts,
    with_transcripts,
)
from agent.understanding.hidden_layer import TextEncoder
from agent.understanding.text_models import IntentModel, TextAffectModel
from dialogs.pack.loader import BANK_PACK, load_pack
from dialogs.pack.model import Pack
from dialogs.values import OUT_OF_SCOPE

FOLDER = "understanding"  # below the folder of all weights
INTENTS_FILE, FEELINGS_FILE = "intents.safetensors", "feelings.safetensors"
PACKAGE = Path(__file__).parents[3]
SHIPPED_FEELINGS = PACKAGE / "weights" / FOLDER / FEELINGS_FILE
OUT_OF_SCOPE_FILE = Path(__file__).parent / "outside.jsonl"
HELD_OUT_TURNS_FILE = (
    PACKAGE.parent / "tests" / "data" / "bank_turns.jsonl"
)  # customers of the bank pack


def train_understanding(
    data: Path | None,
    out: Path,
    pack: Path = BANK_PACK,
    console: Console | None = None,
    settings: TextModelSettings | None = None,
    work_folder: Path | None = None,
    sentence_encoder: str = "",
) -> list[Figure]:
    """Train, store in a folder of `out`, measure, and write the card beside the weights.

    With `work_folder` the models also train on our own transcripts of the sentences, which takes a
    seventh of a second for each sentence, once. `sentence_encoder` names a sentence encoder to
    train with; that model is a file of its own, and the one without it stays.
    """
    loaded, folder, console = load_pack(pack), out / FOLDER, console or Console()
    is_bank = pack.resolve() == BANK_PACK.resolve()
    settings = settings or (BANK_SETTINGS if is_bank and data else TextModelSettings())
    encoder = None
    if sentence_encoder:
        from agent.understanding.sentence_encoder import SentenceEncoder  # slow to import

        encoder = SentenceEncoder.load(sentence_encoder)
    own_rows = feelings.own_intent_examples() if is_bank else []
    rows = (
        prepare.load_examples(data, loaded, own_rows)
        if data
        else prepare.own_examples(loaded, own_rows)
    )
    if not is_bank or data is None:
        rows += prepare.out_of_scope_examples(data) if data else read_out_of_scope()
    checkpoint, transcripts = PACKAGE / "weights" / "ears", list[SyntheticTranscript]()
    if work_folder is not None and checkpoint.exists():
        rows = with_transcripts(rows, checkpoint, work_folder, console)
        transcripts = read_transcripts(checkpoint, work_folder)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("intents", total=3)
        model = train_intent_model(rows, loaded, settings, encoder, transcripts)
        stored = folder / (f"intents-{encoder.sha256}.safetensors" if encoder else INTENTS_FILE)
        model.save(stored)
        progress.update(task, advance=1, description="sentiment")
        _store_sentiment_model(folder, rows, data, settings)
        progress.update(task, advance=1, description="figures")
        model = IntentModel.load(stored, encoder)
        turns = HELD_OUT_TURNS_FILE if is_bank and HELD_OUT_TURNS_FILE.exists() else None
        figures = model_figures(model, folder, rows, data, turns)
        figures += _store_voice_weights(folder, out / "emotion")
        progress.update(task, advance=1)
    console.print(figures_table(figures, "understanding"))
    if encoder is None:
        has_transcripts = any(row.transcripts for row in rows)
        write_card(folder, loaded, model, data is not None, settings, figures, has_transcripts)
    return figures


def read_out_of_scope() -> list[IntentExample]:
    """Out-of-scope sentences for training without public data."""
    return [
        IntentExample(row["text"], OUT_OF_SCOPE, "outside", "train")
        for row in read_json_lines(OUT_OF_SCOPE_FILE)
    ]


def train_intent_model(
    rows: Sequence[IntentExample],
    pack: Pack,
    settings: TextModelSettings,
    sentence_encoder: TextEncoder | None = None,
    transcripts: Sequence[SyntheticTranscript] = (),
) -> IntentModel:
    """The intent model, tuned on sentences and voices that the first of two fits leaves out.

    The second fit uses everything. The errors in `transcripts` are repeated on all other sentences.
    """
    confusions = WordConfusions.from_transcripts(transcripts)
    training_confusions = WordConfusions.from_transcripts(
        one for one in transcripts if not is_tuning_voice(one.voice)
    )

    def fit(
        some: Sequence[IntentExample], mistakes: WordConfusions = training_confusions
    ) -> IntentModel:
        some = add_noisy_copies(some, mistakes, seed=settings.seed)
        return intents.fit_intent_model(
            some, pack, settings.intents, settings.seed, sentence_encoder
        )

    training = [row for row in rows if row.split == "train"]
    dev = [row for row in rows if row.split == "dev"]
    if dev:
        held_out = {
            row
            for row in training
            if row.source == "own" and prepare.stable_bucket(row.text, 4) == 0
        }
        training_rows = [row for row in training if row not in held_out]
        tuning_rows = keep_tuning_voice_transcripts([*dev, *held_out])
        held_out_scores = tuning.score_examples(
            fit(drop_tuning_voice_transcripts(training_rows)), tuning_rows
        )
    else:
        tuning_rows, held_out_scores = training, tuning.cross_fitted_scores(training, fit)
    last = tuning.tune_model(fit(training, confusions), held_out_scores, settings.intents)
    return replace(last, transcript_floor=tuning.fit_heard_floor(last, tuning_rows, settings.seed))


def _store_sentiment_model(
    folder: Path, rows: Sequence[IntentExample], data: Path | None, settings: TextModelSettings
) -> None:
    """Train and store the sentiment model; without public data copy the shipped one, which knows
    more words than our own sentences have."""
    if data is None and SHIPPED_FEELINGS.exists():
        if (folder / FEELINGS_FILE).resolve() != SHIPPED_FEELINGS.resolve():
            shutil.copy(SHIPPED_FEELINGS, folder / FEELINGS_FILE)
        return
    public = []
    if data is not None:
        public = list(feelings.read_goemotions_sentiment(data, "train"))
        public += feelings.calm_turns(rows, "train", settings.sentiment.max_calm_turns)
    model = feelings.fit_sentiment_model(public, settings.sentiment, settings.seed)
    dev = list(feelings.read_goemotions_sentiment(data, "dev")) if data is not None else []
    feelings.fit_sentiment_temperature(model, dev).save(folder / FEELINGS_FILE)


def _store_voice_weights(folder: Path, emotion: Path) -> list[Figure]:
    """Fit and store the voice weights; their figures, none without held-out predictions."""
    predictions_file = emotion / "held_out.jsonl"
    if not predictions_file.exists():
        return []
    upset_log_odds, held_out_voices = (
        TextAffectModel.load(folder / FEELINGS_FILE).base_log_odds,
        voices.read_held_out_voices(predictions_file),
    )
    voices.store_voice_weights(
        voices.fit_voice_weights(held_out_voices, upset_log_odds), emotion / "upset.json"
    )
    return voices.voice_figures(held_out_voices, upset_log_odds)


def model_figures(
    intent_model: IntentModel,
    folder: Path,
    rows: Sequence[IntentExample],
    data: Path | None,
    turns_file: Path | None,
) -> list[Figure]:
    """The figures of the weights as stored."""
    sentiment_model = TextAffectModel.load(folder / FEELINGS_FILE)
    bank_turns = evaluate.read_bank_turns(turns_file) if turns_file else []
    bank_turns = [
        turn for turn in bank_turns if turn.intent is None or turn.intent in intent_model.intents
    ]
    figures = evaluate.intent_figures(intent_model, rows, bank_turns)
    figures += evaluate.noisy_line_figures(intent_model, bank_turns)
    figures += evaluate.scope_figures(intent_model, rows)
    figures += evaluate.calibration_figures(intent_model, rows, bank_turns)
    goemotions = list(feelings.read_goemotions_sentiment(data, "test")) if data else []
    figures += evaluate.sentiment_figures(sentiment_model, goemotions, bank_turns)
    figures += satisfaction_figures(sentiment_model, data) if data else []
    texts = [turn.text for turn in bank_turns] or [row.text for row in rows[:200]]
    median, high = evaluate.latency_ms(
        lambda text: (intent_model(text), sentiment_model(text)), texts
    )
    figures.append(
        range_figure("one turn, one core", "milliseconds", median, median, high, len(texts))
    )
    return figures
