"""Whole turns transcribed by a Whisper model on CTranslate2.

Whisper's decoder expects 30 s of encoded audio. Encoding silence is most of the work for a short
turn, so only the turn and a second of silence are encoded; behind them come the states that the
encoder has for silence, computed once, at the same positions
(tests/audio/test_whisper_transcriber.py).

CTranslate2 leaves the interpreter to others while it computes. The threads that it computes on have
the priority and the cores of the thread that loads the model.

Whisper: Radford et al. 2022, arXiv 2212.04356.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, log
from pathlib import Path
from typing import Any

import ctranslate2  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import WhisperFeatureExtractor

from audio.hub import CheckpointError, read_json
from audio.types import NO_TRANSCRIPT, RATE, Samples, Transcript, Word
from audio.whole_turns import (
    MAX_TURN_SAMPLES,
    MIN_SAMPLES,
    is_repetitive,
    max_tokens,
    mean_probability,
    split_at_pauses,
    word_token_spans,
)

# Logistic regression on 436 turns of wuw2, speechocean762 and kathleen, their training speakers. On
# 115 turns of wuw2's development speakers its calibration error (ECE) is 10 %.
CONFIDENCE_FIT = (5.89, 2.56)  # weight of the logarithm of the tokens' mean probability, and offset
FILES = ("model.bin", "config.json", "tokenizer.json")  # a CTranslate2 model's folder has these
FRAME = RATE // 50  # samples per encoder position: 20 ms
POSITIONS = 1500  # encoder positions that the decoder expects: 30 s
SILENCE_AFTER = RATE  # encoded with the turn; with less the decoder invents words
MAX_WINDOW = POSITIONS * FRAME - 2 * SILENCE_AFTER
MEL_BINS = 80  # of all models but the third large one, whose configuration says so
NO_SPEECH_FROM = 0.6  # probability of no speech from which a doubtful text was invented
LEAST_MEAN_PROBABILITY = 0.37  # of such a text: both bounds are those of Whisper's own decoding


@dataclass(frozen=True, slots=True)
class WhisperOutput:
    """One window of a turn: its tokens with their probabilities and their start times."""

    tokens: list[int]
    probabilities: list[float]
    starts: list[int]  # samples since the window began, of each token
    no_speech: float  # probability that nobody spoke


class WhisperTranscriber:
    """A loaded model. Build with `WhisperTranscriber.load`."""

    def __init__(self, model: Any, tokenizer: Tokenizer, bins: int) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._extractor = WhisperFeatureExtractor(feature_size=bins)  # type: ignore[no-untyped-call]
        self._start = [self._id("<|startoftranscript|>")]
        if model.is_multilingual:
            self._start += [self._id("<|en|>"), self._id("<|transcribe|>")]
        self._start.append(self._id("<|notimestamps|>"))

    @classmethod
    def load(cls, folder: Path) -> WhisperTranscriber:
        """Open a folder as faster-whisper has them. CheckpointError when it is none.

        One thread computes, with the priority and the cores of the calling thread.
        """
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise CheckpointError(f"the folder {str(folder)!r} lacks {', '.join(missing)}")
        config = read_json(folder / "config.json")
        preprocessor = folder / "preprocessor_config.json"
        bins = read_json(preprocessor).get("feature_size") if preprocessor.is_file() else None
        try:
            model = ctranslate2.models.Whisper(
                str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1
            )
        except (RuntimeError, ValueError) as problem:
            raise CheckpointError(f"{str(folder)!r} holds no Whisper model: {problem}") from None
        if not {"model", "added_tokens"} <= read_json(folder / "tokenizer.json").keys():
            raise CheckpointError(f"the tokenizer.json of {str(folder)!r} holds no tokenizer")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        if "alignment_heads" not in config:
            raise CheckpointError(f"the config.json of {str(folder)!r} names no alignment_heads")
        return cls(model, tokenizer, int(bins or MEL_BINS))

    def transcribe(self, samples: Samples, start: int) -> Transcript:
        """The model's own transcript of `samples`, which begin at position `start`; NO_TRANSCRIPT
        when it has none or it cannot be trusted."""
        if not MIN_SAMPLES <= len(samples) <= MAX_TURN_SAMPLES:
            return NO_TRANSCRIPT
        words, probabilities = list[Word](), list[float]()
        for at, piece in split_at_pauses(samples, MAX_WINDOW):
            if len(piece) < MIN_SAMPLES:
                continue
            output = self.transcribe_window(piece)
            if output is None:
                return NO_TRANSCRIPT
            probabilities += output.probabilities
            words += self._timed_words(output, len(piece), start + at)
        text = " ".join(word.text for word in words)
        if not text or is_repetitive(text):
            return NO_TRANSCRIPT
        confidence = _calibrated(mean_probability(_logarithms(probabilities)))
        return Transcript(text, confidence, tuple(words))

    def transcribe_window(self, piece: Samples) -> WhisperOutput | None:
        """The output for at most MAX_WINDOW samples; None when it cannot be trusted: it did not
        come to an end, or probably nobody spoke."""
        states = self._encode(np.concatenate([piece, np.zeros(SILENCE_AFTER, np.float32)]))
        limit = max_tokens(len(piece))
        generated = self._model.generate(
            _view(np.concatenate([states, self._silence[:, states.shape[1] :]], axis=1)),
            [self._start],
            beam_size=1,
            max_length=limit + len(self._start),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = [int(token) for token in generated.sequences_ids[0]]
        if len(tokens) >= limit:
            return None
        if not tokens:
            return WhisperOutput([], [], [], generated.no_speech_prob)
        # The words are known here: without the silence behind it takes a third of the time.
        aligned = self._model.align(
            _view(states), self._start, [tokens], num_frames=2 * -(-len(piece) // FRAME)
        )[0]
        probabilities = [float(one) for one in aligned.text_token_probs][: len(tokens)]
        mean = mean_probability(_logarithms(probabilities))
        if generated.no_speech_prob > NO_SPEECH_FROM and mean < LEAST_MEAN_PROBABILITY:
            return None
        starts = _token_starts(aligned.alignments, len(tokens), len(piece))
        return WhisperOutput(tokens, probabilities, starts, float(generated.no_speech_prob))

    @cached_property
    def _silence(self) -> NDArray[np.float32]:
        """The states of 30 s without a sound."""
        return self._encode(np.zeros(POSITIONS * FRAME, np.float32))

    def warm_up(self) -> None:
        """Compute the states of silence, and run the decoder once."""
        self.transcribe(np.zeros(RATE, np.float32), 0)

    def _encode(self, samples: Samples) -> NDArray[np.float32]:
        """The encoder's states, (1, positions, width)."""
        features = self._extractor(
            samples, sampling_rate=RATE, padding="do_not_pad", truncation=False, return_tensors="np"
        )["input_features"]
        even = features[:, :, : features.shape[2] // 2 * 2].astype(np.float32)
        return np.array(self._model.encode(_view(even), to_cpu=True), np.float32)

    def _timed_words(self, output: WhisperOutput, samples: int, start: int) -> list[Word]:
        spans = word_token_spans(output.tokens, self._decode)
        starts = [min(output.starts[first], samples) for _, first, _ in spans]
        words = list[Word]()
        for (text, first, after), begin, next_begin in zip(
            spans, starts, [*starts[1:], samples], strict=True
        ):
            probability = mean_probability(_logarithms(output.probabilities[first:after]))
            words.append(Word(text, start + begin, start + max(begin, next_begin), probability))
        return words

    def _decode(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=True)

    def _id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise CheckpointError(f"the tokenizer knows no {token}: this is no Whisper model")
        return found


def _view(array: NDArray[np.float32]) -> Any:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(array))


def _token_starts(alignments: Sequence[tuple[int, int]], tokens: int, samples: int) -> list[int]:
    """The sample at which each token begins, from pairs of a token and an encoder position."""
    starts = [samples] * tokens
    for token, position in reversed(alignments):
        if token < tokens:
            starts[token] = min(position * FRAME, samples)
    return starts


def _calibrated(mean_token_probability: float) -> float:
    """The probability that at most one word in five is wrong."""
    slope, offset = CONFIDENCE_FIT
    log_odds = slope * log(max(mean_token_probability, 1e-6)) + offset
    return round(1 / (1 + exp(-log_odds)), 4)


def _logarithms(probabilities: Sequence[float]) -> list[float]:
    return [log(max(one, 1e-9)) for one in probabilities]
