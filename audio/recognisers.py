"""CTC recognisers for many simultaneous streams: incremental and windowed.

Both implement `StreamingRecogniser`. `IncrementalRecogniser` encodes each chunk once, for all
streams together, and only the last chunk is left for the end of the turn: exact for the embedded
encoder, approximate for every other wav2vec2 or HuBERT. `WindowedRecogniser` is for other
architectures (WavLM, a conformer): partial text comes from a bounded window, and the whole turn
is encoded once more when it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audio.incremental import BLOCK_FRAMES, EncodedFrames, EncoderState, IncrementalEncoder
from audio.phrase_search import Alphabet, Scores
from audio.transcriber import GreedyTranscript, Transcriber
from audio.types import RATE, Samples

PARTIAL_WINDOW = 8 * RATE  # a windowed model's partial text covers the last 8 s,
PARTIAL_HOP = RATE // 2  # and is renewed twice a second
MAX_SAMPLES_AT_ONCE = 40 * RATE  # encoded in one piece at the end of a turn


@dataclass(slots=True, eq=False)
class RecogniserState:
    """The results and caches of one stream so far."""

    partial: GreedyTranscript = field(default_factory=GreedyTranscript)
    text: str = ""
    letter_scores: list[Scores] = field(default_factory=list)  # of each step: (frames, letters)
    phone_scores: list[Scores] = field(default_factory=list)
    # for the emotion head; `keep_layers`
    blended_layers: list[Tensor] = field(default_factory=list)
    encoder_state: EncoderState | None = None
    samples: list[Samples] = field(default_factory=list)
    undecoded: int = 0
    speech_end: int | None = None  # samples of the turn; only silence follows
    keep_layers: bool = False


TurnScores = tuple[Scores, Scores | None]  # of a turn: letters and phones, log probabilities


class StreamingRecogniser(Protocol):
    """A CTC model that recognises many streams, each fed in pieces.

    `open` begins a stream (`keep_layers`: for the emotion head), `advance` adds samples, and each
    stream ends by `finish`, which gives the scores of its turn, or by `close`.
    """

    streaming: str  # "exact", "bounded" or "windowed"
    hop: int  # samples after which there is something new to encode
    overhang: int  # samples after a hop that its last frame covers

    def open(self, keep_layers: bool) -> RecogniserState: ...
    def advance(self, packets: Sequence[tuple[RecogniserState, Samples]]) -> None: ...
    def finish(self, states: Sequence[RecogniserState]) -> list[TurnScores]: ...
    def close(self, state: RecogniserState) -> None: ...


class IncrementalRecogniser:
    """Recogniser over an `IncrementalEncoder`; `head` maps frames to letters."""

    def __init__(
        self,
        encoder: IncrementalEncoder,
        head: nn.Module,
        transcriber: Transcriber,
        phone_head: nn.Module | None = None,
    ) -> None:
        self.streaming = "exact" if encoder.is_exact else "bounded"
        self.encoder, self.head, self.transcriber = encoder, head, transcriber
        self.hop, self.overhang = encoder.hop, encoder.overhang
        self.phone_head = phone_head

    def open(self, keep_layers: bool) -> RecogniserState:
        return RecogniserState(
            encoder_state=self.encoder.open(),
            keep_layers=keep_layers and self.encoder.blend_layers is not None,
        )

    def close(self, state: RecogniserState) -> None:
        self.encoder.close(cast(EncoderState, state.encoder_state))

    def advance(self, packets: Sequence[tuple[RecogniserState, Samples]]) -> None:
        encoder_packets = [
            (cast(EncoderState, state.encoder_state), samples) for state, samples in packets
        ]
        self._decode_frames([state for state, _ in packets], self.encoder.advance(encoder_packets))

    def finish(self, states: Sequence[RecogniserState]) -> list[TurnScores]:
        encoder_states = [cast(EncoderState, state.encoder_state) for state in states]
        for state, encoder_state in zip(states, encoder_states, strict=True):
            if state.speech_end is not None:
                self.encoder.mark_speech_end(encoder_state, state.speech_end)
        self._decode_frames(states, self.encoder.finish(encoder_states))
        alphabet, sounds = self.transcriber.alphabet, self.transcriber.decoding_alphabet
        return [
            (
                join_scores(h.letter_scores, alphabet),
                join_scores(h.phone_scores, sounds) if self.phone_head else None,
            )
            for h in states
        ]

    @torch.inference_mode()
    def _decode_frames(
        self, states: Sequence[RecogniserState], encoded: Sequence[EncodedFrames]
    ) -> None:
        counts = [len(new.frames) for new in encoded]
        if not sum(counts):
            return
        last = torch.cat([new.frames for new in encoded])
        ends = np.cumsum(counts)[:-1]
        likely = np.split(_log_probabilities(self.head, last), ends)
        phones = (
            np.split(_log_probabilities(self.phone_head, last), ends) if self.phone_head else []
        )
        for index, (state, new) in enumerate(zip(states, encoded, strict=True)):
            if not len(new.frames):
                continue
            state.letter_scores.append(likely[index])
            if self.phone_head is not None:
                state.phone_scores.append(phones[index])
            state.text = self.transcriber.extend_partial(state.partial, likely[index])
            if state.keep_layers and new.blended_layers is not None:
                state.blended_layers.append(new.blended_layers)


def _log_probabilities(head: nn.Module, frames: Tensor) -> Scores:
    # Pad: BLAS uses another kernel, with other rounding, for a product of very few rows.
    rows = F.pad(frames, (0, 0, 0, max(0, BLOCK_FRAMES - len(frames))))
    return cast(Scores, F.log_softmax(head(rows)[: len(frames)].float(), -1).numpy())


class WindowedRecogniser:
    """Recogniser over a whole-utterance CTC model, run on windows of its input."""

    streaming = "windowed"
    hop, overhang = PARTIAL_HOP, 0

    def __init__(self, model: nn.Module, normalise: bool, transcriber: Transcriber) -> None:
        self.model, self.normalise, self.transcriber = model, normalise, transcriber

    def open(self, keep_layers: bool) -> RecogniserState:
        return RecogniserState()

    def advance(self, packets: Sequence[tuple[RecogniserState, Samples]]) -> None:
        for state, samples in packets:
            state.samples.append(samples)
            state.undecoded += len(samples)
            if state.undecoded >= PARTIAL_HOP:
                state.undecoded %= PARTIAL_HOP
                window = np.concatenate(state.samples)[-PARTIAL_WINDOW:]
                state.text = self.transcriber.extend_partial(
                    GreedyTranscript(), self.letter_scores(window)
                )

    def finish(self, states: Sequence[RecogniserState]) -> list[TurnScores]:
        return [(self._turn_scores(state), None) for state in states]

    def close(self, state: RecogniserState) -> None:
        pass  # the state holds everything

    def _turn_scores(self, state: RecogniserState) -> Scores:
        whole = np.concatenate([np.zeros(0, np.float32), *state.samples])
        pieces = [
            whole[at : at + MAX_SAMPLES_AT_ONCE] for at in range(0, len(whole), MAX_SAMPLES_AT_ONCE)
        ]
        return join_scores(list(map(self.letter_scores, pieces)), self.transcriber.alphabet)

    @torch.inference_mode()
    def letter_scores(self, samples: Samples) -> Scores:
        """Log probabilities (frames, letters) of samples in one piece."""
        if len(samples) < RATE // 10:  # shorter than the convolutions' receptive field
            samples = np.pad(samples, (0, RATE // 10 - len(samples)))
        if self.normalise:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        output: Any = self.model(torch.from_numpy(samples)[None])
        return cast(Scores, F.log_softmax(output.logits[0].float(), -1).numpy())


def join_scores(pieces: Sequence[Scores], alphabet: Alphabet) -> Scores:
    """The pieces one after the other, (frames, letters); no pieces give no frames."""
    return np.concatenate([np.zeros((0, len(alphabet.letters)), np.float32), *pieces])


def alphabet_of(vocabulary: dict[str, int], blank: str, boundary: str) -> Alphabet:
    """A tokenizer's vocabulary as an Alphabet; letters in lower case, as in all transcripts."""
    letters = [""] * (1 + max(vocabulary.values()))
    for letter, index in vocabulary.items():
        letters[index] = letter.lower() if len(letter) == 1 else letter
    return Alphabet(tuple(letters), vocabulary[blank], vocabulary[boundary])
