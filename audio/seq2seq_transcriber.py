"""Sequence-to-sequence transcription of whole turns by a Whisper or Moonshine checkpoint.

Optional, in addition to the CTC encoder. It needs the whole turn, so it gives no partial text and
no emotion, and such models hallucinate words out of noise or silence and loop. It is therefore
used only when the CTC model found words and only where its transcript is expected to be better
(`should_transcribe`). Its output is bounded by the length of the turn and is discarded when it
had to be cut off or repeats itself; then the CTC transcript stands.

`Transcript.confidence` is the geometric mean of the tokens' probabilities: it follows the model's
own certainty and is not calibrated. Held by tests/audio/test_seq2seq_transcriber.py.

Whisper: Radford et al. 2022, arXiv 2212.04356. Moonshine: Jeffries et al. 2024, arXiv 2410.15608.
"""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, isfinite
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import AutoFeatureExtractor, AutoModelForSpeechSeq2Seq, AutoTokenizer

from audio.checkpoints import Checkpoint, open_model
from audio.hub import CheckpointError, unusable_reason
from audio.prosody import loud_hops
from audio.transcriber import NO_TRANSCRIPT
from audio.types import RATE, VOICE_HOP, Expectation, Samples, Transcript, Word

MAX_TURN_SAMPLES = 60 * RATE  # a longer turn keeps its CTC transcript
MAX_WINDOW = 30 * RATE  # Whisper's input length, and the longest input Moonshine was trained on
MIN_SAMPLES = RATE // 5  # no word is shorter
MAX_TOKENS_PER_S = 6.5  # Moonshine's model card: faster than speech; bounds endless loops
EXTRA_TOKENS = 4  # for a full stop, the end token, and a single word said fast
MAX_COMPRESSION_RATIO = 2.4  # a text that zlib shrinks by more than this repeats itself
DOUBTED_BELOW = 0.5  # below this, a closed answer is less likely right than wrong

# [music], (coughs), *sighs*, musical notes; but "(555) 123-4567" and "401(k)" are said
_NOISE_MARKS = re.compile(r"(?<!\S)(?:\[[^\]]*\]|\([^)\d]*\)|<[^>]*>|\*[^*]*\*)|[\u2669-\u266f]")
_WORD = re.compile(
    r"[$\u00a3\u20ac]?\d(?:[\d.,:/-]*\d)?(?:[a-z]+\b|%)?"  # $1,200.50 4:30 3rd 5k 555-0199
    r"|[^\W\d_]+(?:'[^\W\d_]+)*"
)


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

    def preferred_transcript(
        self, ctc_transcript: Transcript, expectation: Expectation, samples: Samples, start: int
    ) -> Transcript:
        """The better transcript of `samples`, which begin at position `start`.

        `ctc_transcript` is returned as it is when the model is not used or not trusted."""
        if not should_transcribe(ctc_transcript, expectation):
            return ctc_transcript
        written = self.transcribe(samples, start)
        if not written.text or (
            not is_free_answer(expectation) and written.confidence <= ctc_transcript.confidence
        ):
            return ctc_transcript
        return written

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
        return Transcript(text, _mean_probability(log_probabilities), tuple(words))

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
        return min(EXTRA_TOKENS + ceil(MAX_TOKENS_PER_S * samples / RATE), int(limit) - 8)

    def _timed_words(self, output: Seq2SeqOutput, piece: Samples, start: int) -> list[Word]:
        """Words with the samples they span, counted from where `piece` begins at `start`."""
        text, ends = "", list[int]()
        for count in range(1, len(output.tokens) + 1):
            decoded = self.tokenizer.decode(output.tokens[:count], skip_special_tokens=True)
            text = cast(str, decoded)
            ends.append(len(text))
        text = _NOISE_MARKS.sub(lambda noise: " " * len(noise.group()), text)
        # word, its first token, the token after its last
        token_spans = list[tuple[str, int, int]]()
        for match in re.finditer(r"\S+", text):
            first = next(i for i, end in enumerate(ends) if end > match.start())
            after = 1 + next(i for i, end in enumerate(ends) if end >= match.end())
            token_spans += [(word, first, after) for word in normalised_words(match.group())]
        spans = self._word_spans(token_spans, output, piece)
        return [
            Word(
                word,
                start + begin,
                start + end,
                _mean_probability(output.log_probabilities[first:after]),
            )
            for (word, first, after), (begin, end) in zip(token_spans, spans, strict=True)
        ]

    def _word_spans(
        self, token_spans: Sequence[tuple[str, int, int]], output: Seq2SeqOutput, piece: Samples
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


def is_free_answer(expectation: Expectation) -> bool:
    """Whether the question may be answered in any words."""
    return expectation.kind == "open" or (
        expectation.kind in ("name", "choice") and not expectation.choices
    )


def should_transcribe(ctc_transcript: Transcript, expectation: Expectation) -> bool:
    """Whether the sequence-to-sequence model should transcribe this turn too.

    Yes for open answers: free text is where the CTC encoder is weakest, unless it found a likely
    phrase with confidence. A choice, digits, an amount or a date came from a constrained search,
    which free transcription does not beat, unless its confidence is low: then the customer
    probably said something else. No for a turn in which the encoder found no word.
    """
    if not ctc_transcript.text:
        return False
    if is_free_answer(expectation):
        return (
            ctc_transcript.text not in expectation.choices
            or ctc_transcript.confidence < DOUBTED_BELOW
        )
    return ctc_transcript.confidence < DOUBTED_BELOW


def is_repetitive(text: str) -> bool:
    """Whisper's own test for a loop, by compression. Forbidding repetition during generation
    instead would end a loop in words that look deliberate."""
    return len(text.encode()) > MAX_COMPRESSION_RATIO * len(zlib.compress(text.encode()))


def split_at_pauses(samples: Samples, window: int) -> list[tuple[int, Samples]]:
    """(position, samples) of windows no longer than `window`, each cut where its second half is
    quietest."""
    windows, at = list[tuple[int, Samples]](), 0
    while len(samples) - at > window:
        half = samples[at + window // 2 : at + window]
        hops = len(half) // VOICE_HOP
        power = np.square(half[: hops * VOICE_HOP].reshape(hops, VOICE_HOP)).mean(1)
        around = min(5, hops)  # hops averaged, 160 ms: a pause, not the closure of a "t"
        quiet = np.convolve(power, np.ones(around), "valid").argmin() + around // 2
        cut = at + window // 2 + int(quiet) * VOICE_HOP
        windows.append((at, samples[at:cut]))
        at = cut
    return [*windows, (at, samples[at:])]


def spread_words(words: Sequence[str], piece: Samples) -> list[tuple[int, int]]:
    """Estimated samples [start, end) of each word: the loud hops, shared by number of letters."""
    voiced: NDArray[np.intp] = np.flatnonzero(
        loud_hops(piece[: len(piece) // VOICE_HOP * VOICE_HOP])
    )
    if not len(voiced):
        voiced = np.arange(max(1, len(piece) // VOICE_HOP))
    shares = np.cumsum([0, *(len(word) for word in words)], dtype=float)
    bounds = (shares / max(1.0, shares[-1]) * len(voiced)).astype(int)
    spans = list[tuple[int, int]]()
    for begin, end in zip(bounds, bounds[1:], strict=False):
        first = voiced[min(begin, len(voiced) - 1)]
        last = voiced[min(max(begin, end - 1), len(voiced) - 1)]
        spans.append((int(first) * VOICE_HOP, min((int(last) + 1) * VOICE_HOP, len(piece))))
    return spans


def normalised_words(word: str) -> list[str]:
    """A written word in the form of all transcripts here: lower case, without punctuation.

    Numbers stay as they are written, with their signs ("$1,200.50", "4:30"): `dialogs` reads both
    written and spoken numbers.
    """
    word = word.lower().replace("\u2019", "'").replace("&", " and ")
    word = re.sub(r"(?<=\b[a-z])\.(?=[a-z]\b)", "", word)  # a.m., U.S.
    return _WORD.findall(word)


def _mean_probability(log_probabilities: Sequence[float]) -> float:
    """Geometric mean of probabilities, from their logarithms."""
    return (
        round(exp(max(-20.0, sum(log_probabilities) / len(log_probabilities))), 4)
        if log_probabilities
        else 0.0
    )
