"""Sequence-to-sequence transcription of whole turns by a Whisper or Moonshine checkpoint.

Optional, in addition to the CTC encoder. It needs the whole turn, so it gives no partial text and
no emotion, and such models hallucinate words out of noise or silence and loop. It is therefore
used only when the CTC model found words and only where its transcript is expected to be better
(audio/transcript_choice.py). Its output is bounded by the length of the turn and is discarded when
it had to be cut off or repeats itself; then the CTC transcript stands.

`Transcript.confidence` is the geometric mean of the tokens' probabilities: it follows the model's
own certainty and is not calibrated. Held by tests/audio/test_seq2seq_transcriber.py.

Whisper: Radford et al. 2022, arXiv 2212.04356. Moonshine: Jeffries et al. 2024, arXiv 2410.15608.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, cast

import numpy as np
import torch

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import AutoFeatureExtractor, AutoModelForSpeechSeq2Seq, AutoTokenizer

from audio.checkpoints import Checkpoint, open_model
from audio.hub import CheckpointError, unusable_reason
from audio.types import NO_TRANSCRIPT, RATE, Samples, Transcript, Word
from audio.whole_turns import (
    MAX_TURN_SAMPLES,
    MIN_SAMPLES,
    TokenSpan,
    is_repetitive,
    max_tokens,
    mean_probability,
    split_at_pauses,
    spread_words,
    word_token_spans,
)

MAX_WINDOW = 30 * RATE  # Whisper's input length, and the longest input Moonshine was trained on


@dataclass(frozen=True, slots=True)
class Seq2SeqOutput:
    """One window of a turn: tokens with log probabilities, and their start times if known."""

    tokens: list[int]
    log_probabilities: list[float]  # one more than tokens: the end token has one too
    token_times: list[float] | None  # seconds since the window began


class Seq2SeqTranscriber:
    """A loaded sequence-to-sequence model. Build with `Seq2SeqTranscriber.load`.

    `time_limit_s` bounds the time for one turn.
    """

    def __init__(self, model: Any, extractor: Any, tokenizer: Any, time_limit_s: float) -> None:
        self.model, self.extractor, self.tokenizer = model, extractor, tokenizer
        self.time_limit_s = time_limit_s
        generation_config = model.generation_config
        generation_config.max_length = None  # `max_new_tokens` alone counts
        ends = generation_config.eos_token_id
        self._end_tokens = set(ends if isinstance(ends, list) else [ends])
        self._window = min(MAX_WINDOW, int(getattr(extractor, "n_samples", MAX_WINDOW)))
        self._is_whisper = model.config.model_type == "whisper"
        self._times_tokens = self._is_whisper and _has_alignment_heads(model)

    @classmethod
    def load(cls, checkpoint: Checkpoint, time_limit_s: float) -> Seq2SeqTranscriber:
        """Open a Whisper or Moonshine checkpoint. CheckpointError."""
        if checkpoint.kind != "whole turns":
            config = {
                "model_type": checkpoint.config.model_type,
                "architectures": checkpoint.architectures,
            }
            reason = (
                f"it is one of {checkpoint.kind}"
                if checkpoint.kind
                else unusable_reason("it", config)
            )
            raise CheckpointError(f"{checkpoint.name!r} cannot write down whole turns: {reason}")
        # They warn in every turn about settings that transformers itself has made.
        for talkative in ("generation", "models.whisper"):
            logging.getLogger(f"transformers.{talkative}").setLevel(logging.ERROR)
        model = open_model(AutoModelForSpeechSeq2Seq, checkpoint)
        try:
            extractor = AutoFeatureExtractor.from_pretrained(  # type: ignore[no-untyped-call]
                checkpoint.folder, local_files_only=True
            )
            tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, local_files_only=True)
        except (OSError, ValueError, KeyError, AttributeError) as problem:
            raise CheckpointError(
                f"{checkpoint.name!r} lacks its tokenizer or its preprocessor_config.json"
            ) from problem
        if extractor.sampling_rate != RATE:
            rate = extractor.sampling_rate
            raise CheckpointError(f"{checkpoint.name!r} hears {rate} samples a second, not {RATE}")
        return cls(model, extractor, tokenizer, time_limit_s)

    def warm_up(self) -> None:
        """Run once on noise."""
        noise = np.random.default_rng(0).standard_normal(RATE, np.float32) * np.float32(0.01)
        self.transcribe(noise, 0)

    def transcribe(self, samples: Samples, start: int) -> Transcript:
        """The model's own transcript; NO_TRANSCRIPT when it has none or it cannot be trusted."""
        if not MIN_SAMPLES <= len(samples) <= MAX_TURN_SAMPLES:
            return NO_TRANSCRIPT
        words, log_probabilities = list[Word](), list[float]()
        stretches = [
            one for one in split_at_pauses(samples, self._window) if len(one[1]) >= MIN_SAMPLES
        ]
        for at, piece in stretches:
            output = self._generate(piece, self.time_limit_s / len(stretches))
            if output is None:
                return NO_TRANSCRIPT
            log_probabilities += output.log_probabilities
            words += self._timed_words(output, piece, start + at)
        text = " ".join(word.text for word in words)
        if not text or is_repetitive(text):
            return NO_TRANSCRIPT
        return Transcript(text, mean_probability(log_probabilities), tuple(words))

    @torch.inference_mode()
    def _generate(self, piece: Samples, time_limit_s: float) -> Seq2SeqOutput | None:
        """The output for one window; None when the model did not emit its end token."""
        padded = np.pad(piece, (0, max(0, RATE // 2 - len(piece))))  # Moonshine's convolutions
        inputs = self.extractor(
            padded, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True
        )
        generated = self.model.generate(
            **inputs,
            **self._language_options(),
            max_new_tokens=self._max_tokens(len(piece)),
            max_time=time_limit_s,
            do_sample=False,
            num_beams=1,
            return_dict_in_generate=True,
            output_scores=True,
        )
        scores = torch.stack(generated["scores"])[:, 0].float().log_softmax(-1)  # (tokens, words)
        tokens = generated["sequences"][0, -len(scores) :]
        if int(tokens[-1]) not in self._end_tokens:
            return None
        log_probabilities = scores.gather(1, tokens[:, None])[:, 0].tolist()
        token_times = (
            generated["token_timestamps"][0, -len(scores) :].tolist()
            if self._times_tokens
            else None
        )
        return Seq2SeqOutput(tokens[:-1].tolist(), log_probabilities, token_times)

    def _language_options(self) -> dict[str, Any]:
        """Generation options that only Whisper takes."""
        if not self._is_whisper:
            return {}
        manner: dict[str, Any] = {"return_timestamps": False}
        if self._times_tokens:
            manner["return_token_timestamps"] = True
        settings = self.model.generation_config
        if getattr(settings, "is_multilingual", False) and getattr(settings, "lang_to_id", None):
            manner |= {"language": "en", "task": "transcribe"}  # the program is English only
        return manner

    def _max_tokens(self, samples: int) -> int:
        config = self.model.config
        limit = getattr(config, "max_target_positions", None) or config.max_position_embeddings
        return min(max_tokens(samples), int(limit) - 8)

    def _timed_words(self, output: Seq2SeqOutput, piece: Samples, start: int) -> list[Word]:
        """Words with the samples they span, counted from where `piece` begins at `start`."""
        token_spans = word_token_spans(output.tokens, self._decode)
        spans = self._word_spans(token_spans, output, piece)
        return [
            Word(
                word,
                start + begin,
                start + end,
                mean_probability(output.log_probabilities[first:after]),
            )
            for (word, first, after), (begin, end) in zip(token_spans, spans, strict=True)
        ]

    def _decode(self, tokens: list[int]) -> str:
        return cast(str, self.tokenizer.decode(tokens, skip_special_tokens=True))

    def _word_spans(
        self, token_spans: Sequence[TokenSpan], output: Seq2SeqOutput, piece: Samples
    ) -> list[tuple[int, int]]:
        """Samples [start, end) of each word: from Whisper's alignment heads where the model has
        them, else by `spread_words`."""
        even = spread_words([word for word, _, _ in token_spans], piece)
        token_times = output.token_times
        if (
            not token_times
            or not all(map(isfinite, token_times))
            or token_times[-1] <= 0
            or len(token_spans) < 2
        ):
            return even
        starts = [min(int(token_times[first] * RATE), len(piece)) for _, first, _ in token_spans]
        starts[0] = min(max(starts[0], even[0][0]), starts[1])  # not in the leading silence
        last = max(even[-1][1], starts[-1])
        return list(zip(starts, [*starts[1:], last], strict=True))


def _has_alignment_heads(whisper: Any) -> bool:
    """Whether its generation_config names alignment heads, and the model has them.

    Distilled models have been published with the alignment heads of their larger teacher."""
    heads = getattr(whisper.generation_config, "alignment_heads", None) or ()
    config = whisper.config
    layers, width = config.decoder_layers, config.decoder_attention_heads
    return bool(heads) and all(layer < layers and head < width for layer, head in heads)
