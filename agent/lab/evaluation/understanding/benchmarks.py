"""The intent training method on public benchmarks: Banking77 and CLINC150.

The benchmarks are treated as packs: their own intents, their own splits, the same settings as for
every pack. Temperature, threshold and conformal sets are fitted on a tuning split, the test split
is read once. No model of this file is shipped. Invariant, held by
tests/agent/lab/evaluation/test_understanding.py: no test sentence is trained on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from scipy.special import softmax  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, FloatArray, IntArray
from agent.lab.json_lines import read_json_lines
from agent.lab.training.understanding import intents, tuning
from agent.lab.training.understanding.confusions import WordConfusions, add_noisy_copies
from agent.lab.training.understanding.examples import (
    IntentExample,
    out_of_scope_examples,
    stable_bucket,
)
from agent.lab.training.understanding.intents import IntentSettings
from agent.lab.training.understanding.synthetic_transcripts import (
    HELD_OUT_FLITE_VOICES,
    drop_tuning_voice_transcripts,
    held_out_voices,
    is_tuning_voice,
    keep_tuning_voice_transcripts,
    read_transcripts,
    training_voices,
    transcribe_synthesised,
)
from agent.lab.training.understanding.synthetic_transcripts import (
    word_error_rate as word_error_rate,
)
from agent.understanding.hidden_layer import TextEncoder
from agent.understanding.text_features import plain_text
from agent.understanding.text_models import IntentModel
from dialogs.values import OUT_OF_SCOPE

FEW_SHOT_DRAWS = 3  # random samples of few examples


@dataclass(frozen=True, slots=True)
class IntentPredictions:
    """Predictions for test turns: calibrated probabilities (n, intents) and true columns (n,)."""

    model: IntentModel
    probabilities: FloatArray
    labels: IntArray

    @property
    def is_correct(self) -> BoolArray:
        return np.asarray(self.probabilities.argmax(axis=1) == self.labels)


@dataclass(frozen=True, slots=True)
class SpokenChannel:
    """A simulated spoken channel, by speech synthesis and recognition: the folder of the speech
    encoder, and the cache of transcripts."""

    encoder_folder: Path
    cache_folder: Path
    console: Console | None = None


@dataclass(frozen=True, slots=True)
class Banking77Result:
    """Predictions for the test turns as written, and as spoken by held-out voices on a phone."""

    typed: IntentPredictions
    spoken: IntentPredictions | None
    is_recorded: BoolArray  # spoken turns by a voice made of recordings
    word_errors: float


def banking77(
    data: Path,
    settings: IntentSettings,
    sentences: TextEncoder | None,
    channel: SpokenChannel | None,
) -> Banking77Result:
    rows = _read_examples(data / "banking77" / "train.jsonl.gz")
    test = _read_examples(data / "banking77" / "test.jsonl.gz")
    if channel is not None:
        rows = with_transcripts(rows, channel)
    dev = [row for row in rows if stable_bucket(row.original_text, 10) == 0]
    kept = [row for row in rows if stable_bucket(row.original_text, 10)]
    if channel is not None:  # tuning uses other sentences and other voices than fitting
        teaching_transcriptions, inside = (
            read_transcripts(channel.encoder_folder, channel.cache_folder),
            {row.original_text for row in dev},
        )
        apart = [
            one
            for one in teaching_transcriptions
            if one.text not in inside and not is_tuning_voice(one.voice)
        ]
        kept = add_noisy_copies(
            drop_tuning_voice_transcripts(kept), WordConfusions.from_transcripts(apart)
        )
        dev, rows = (
            keep_tuning_voice_transcripts(dev),
            add_noisy_copies(rows, WordConfusions.from_transcripts(teaching_transcriptions)),
        )
    model = _tuned_model(kept, dev, rows, out_of_scope_examples(data), settings, sentences)
    typed = predict_intents(model, [(row.text, row.intent) for row in test])
    if channel is None:
        return Banking77Result(typed, None, np.zeros(0, bool), 0.0)
    labels = {row.original_text: row.intent for row in test}
    transcriptions = transcribe_synthesised(
        list(labels),
        held_out_voices(),
        channel.encoder_folder,
        channel.cache_folder,
        channel.console,
    )
    spoken = predict_intents(
        model.for_transcripts, [(one.heard, labels[one.text]) for one in transcriptions]
    )
    recorded = np.array([one.voice in HELD_OUT_FLITE_VOICES for one in transcriptions])
    return Banking77Result(typed, spoken, recorded, word_error_rate(transcriptions))


def few_shot_accuracies(
    data: Path, shots: int, settings: IntentSettings, sentences: TextEncoder | None
) -> list[float]:
    """Test accuracy on Banking77 from `shots` examples per intent, for each random draw."""
    rows = _read_examples(data / "banking77" / "train.jsonl.gz")
    test = _read_examples(data / "banking77" / "test.jsonl.gz")
    found = []
    for draw in range(FEW_SHOT_DRAWS):
        rng, taken = np.random.default_rng(draw), Counter[str]()
        chosen = []
        for at in rng.permutation(len(rows)):
            if taken[rows[at].intent] < shots:
                taken[rows[at].intent] += 1
                chosen.append(replace(rows[at], source="own"))
        model = intents.fit_intent_model(chosen, None, settings, draw, sentences)
        found.append(
            float(predict_intents(model, [(r.text, r.intent) for r in test]).is_correct.mean())
        )
    return found


@dataclass(frozen=True, slots=True)
class Clinc150Result:
    """CLINC150's test split: scores of being in scope, for turns inside and outside the scope.
    Below `threshold` lies the rejected share of the tuning split's in-scope turns."""

    typed: IntentPredictions
    inside_scores: FloatArray
    outside_scores: FloatArray
    threshold: float


def clinc150(
    data: Path,
    settings: IntentSettings,
    sentences: TextEncoder | None,
    rejected_share: float = 0.05,
) -> Clinc150Result:
    folder = data / "clinc150"
    rows, dev, test = (
        _read_examples(folder / f"{name}.jsonl.gz") for name in ("train", "val", "test")
    )
    out = [
        _out_of_scope_example(row.original_text)
        for row in _read_examples(folder / "oos_train.jsonl.gz")
    ]
    unknown = [
        _out_of_scope_example(row.original_text)
        for row in _read_examples(folder / "oos_val.jsonl.gz")
    ]
    known = [*rows, *out]
    model = _tuned_model(
        known, [*dev, *unknown], known, out_of_scope_examples(data), settings, sentences
    )
    threshold = float(
        np.quantile(intents.in_scope_probability(model, [row.text for row in dev]), rejected_share)
    )
    typed = predict_intents(model, [(row.text, row.intent) for row in test])
    strange = [row.text for row in _read_examples(folder / "oos_test.jsonl.gz")]
    return Clinc150Result(
        typed,
        intents.max_in_scope(model, typed.probabilities),
        intents.in_scope_probability(model, strange),
        threshold,
    )


def _tuned_model(
    kept: Sequence[IntentExample],
    dev: Sequence[IntentExample],
    everything: Sequence[IntentExample],
    background: Sequence[IntentExample],
    settings: IntentSettings,
    sentences: TextEncoder | None,
) -> IntentModel:
    """A model fitted on everything, with settings tuned on `dev` by a model not fitted on it."""
    first = intents.fit_intent_model([*kept, *background], None, settings, 0, sentences)
    unseen = tuning.score_examples(first, dev)
    whole = first
    if len(everything) > len(kept):
        whole = intents.fit_intent_model([*everything, *background], None, settings, 0, sentences)
    return tuning.tune_model(whole, unseen, settings)


def predict_intents(model: IntentModel, turns: Sequence[tuple[str, str]]) -> IntentPredictions:
    scores = np.asarray(model.scores([text for text, _ in turns]), dtype=np.float64)
    labels = np.array([model.intents.index(intent) for _, intent in turns], dtype=np.int64)
    return IntentPredictions(model, np.asarray(softmax(scores / model.temperature, axis=1)), labels)


def with_transcripts(rows: Sequence[IntentExample], channel: SpokenChannel) -> list[IntentExample]:
    """The rows with their transcripts as spoken by the training voices."""
    texts = [row.original_text for row in rows]
    transcriptions = transcribe_synthesised(
        texts, training_voices(), channel.encoder_folder, channel.cache_folder, channel.console
    )
    transcript_of = {one.text: one.heard for one in transcriptions if one.heard}
    return [
        replace(row, transcripts=(transcript_of[row.original_text],))
        if row.original_text in transcript_of
        else row
        for row in rows
    ]


def _read_examples(path: Path) -> list[IntentExample]:
    return [
        IntentExample(plain_text(row["text"]), row["intent"], "benchmark", "train", row["text"])
        for row in read_json_lines(path)
    ]


def _out_of_scope_example(text: str) -> IntentExample:
    return IntentExample(plain_text(text), OUT_OF_SCOPE, "benchmark", "train", text)
