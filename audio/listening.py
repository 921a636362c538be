"""How does one model hear many streams, packet by packet?

Two ways with the same four verbs. `Exact` is the embedded encoder: each chunk is encoded once and
the end of the turn adds nothing but its last chunk. `Windowed` is any other wav2vec2, HuBERT or
WavLM checkpoint: those look ahead and often normalise over the whole turn, so partial text comes
from a bounded window and the turn is heard once more, whole, when it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audio.encoder import Encoded, Encoder, Memory
from audio.search import Alphabet, Scores
from audio.transcriber import Partial, Transcriber
from audio.types import FRAME, RATE, Samples

Blend = Callable[[Tensor], Tensor]  # (1 + layers, frames, width) -> (frames, width)

WINDOW = 8 * RATE  # a windowed model's partial text is what it hears in the last 8 s
HOP = RATE // 2  # and comes twice a second
LONGEST = 40 * RATE  # heard in one piece at the end of a turn


@dataclass(slots=True)
class Hearing:
    """What one stream has come to so far."""

    partial: Partial = field(default_factory=Partial)
    text: str = ""
    likely: list[Scores] = field(default_factory=list)  # letters
    phones: list[Scores] = field(default_factory=list)
    blended: list[Tensor] = field(default_factory=list)  # for the emotion head, when allowed
    memory: Memory | None = None
    samples: list[Samples] = field(default_factory=list)
    unheard: int = 0
    feel: bool = False


class Listener(Protocol):
    exact: bool
    hop: int  # samples after which there is something new to hear
    ahead: int  # samples beyond a hop that its last frame sees

    def open(self, feel: bool) -> Hearing: ...
    def advance(self, packets: Sequence[tuple[Hearing, Samples]]) -> None: ...
    def finish(self, hearing: Hearing) -> tuple[Scores, Scores | None]: ...


class Exact:
    exact = True

    def __init__(
        self,
        encoder: Encoder,
        head: nn.Module,
        transcriber: Transcriber,
        blend: Blend | None = None,
        phone_head: nn.Module | None = None,
    ) -> None:
        self.encoder, self.head, self.transcriber = encoder, head, transcriber
        self.hop, self.ahead = encoder.reach.chunk * FRAME, encoder.sight - FRAME
        self.blend, self.phone_head = blend, phone_head

    def open(self, feel: bool) -> Hearing:
        return Hearing(memory=self.encoder.open(), feel=feel and self.blend is not None)

    def advance(self, packets: Sequence[tuple[Hearing, Samples]]) -> None:
        heard = [(cast(Memory, hearing.memory), samples) for hearing, samples in packets]
        encoded = self.encoder.advance(heard)
        self._take([hearing for hearing, _ in packets], encoded)

    def finish(self, hearing: Hearing) -> tuple[Scores, Scores | None]:
        self._take([hearing], self.encoder.finish([cast(Memory, hearing.memory)]))
        letters = joined(hearing.likely, self.transcriber.alphabet)
        if self.phone_head is None:
            return letters, None
        return letters, joined(hearing.phones, self.transcriber.sounds)

    @torch.inference_mode()
    def _take(self, hearings: Sequence[Hearing], encoded: Sequence[Encoded]) -> None:
        for hearing, new in zip(hearings, encoded, strict=True):
            if not len(new.last):
                continue
            likely = F.log_softmax(self.head(new.last).float(), -1).numpy()
            hearing.likely.append(likely)
            if self.phone_head is not None:
                sounds = self.phone_head(new.last).float()
                hearing.phones.append(F.log_softmax(sounds, -1).numpy())
            hearing.text = self.transcriber.listen(hearing.partial, likely)
            if hearing.feel and self.blend is not None:
                hearing.blended.append(self.blend(new.layers.float()))


class Windowed:
    exact = False
    hop, ahead = HOP, 0

    def __init__(self, model: nn.Module, normalise: bool, transcriber: Transcriber) -> None:
        self.model, self.normalise, self.transcriber = model, normalise, transcriber

    def open(self, feel: bool) -> Hearing:
        return Hearing()

    def advance(self, packets: Sequence[tuple[Hearing, Samples]]) -> None:
        for hearing, samples in packets:
            hearing.samples.append(samples)
            hearing.unheard += len(samples)
            if hearing.unheard >= HOP:
                hearing.unheard %= HOP
                window = np.concatenate(hearing.samples)[-WINDOW:]
                hearing.text = self.transcriber.listen(Partial(), self.hear(window))

    def finish(self, hearing: Hearing) -> tuple[Scores, Scores | None]:
        whole = np.concatenate([np.zeros(0, np.float32), *hearing.samples])
        pieces = [whole[at : at + LONGEST] for at in range(0, len(whole), LONGEST)]
        return joined(list(map(self.hear, pieces)), self.transcriber.alphabet), None

    @torch.inference_mode()
    def hear(self, samples: Samples) -> Scores:
        if len(samples) < RATE // 10:  # shorter than the convolutions' sight
            samples = np.pad(samples, (0, RATE // 10 - len(samples)))
        if self.normalise:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        output: Any = self.model(torch.from_numpy(samples)[None])
        return cast(Scores, F.log_softmax(output.logits[0].float(), -1).numpy())


def joined(pieces: Sequence[Scores], alphabet: Alphabet) -> Scores:
    return np.concatenate([np.zeros((0, len(alphabet.letters)), np.float32), *pieces])


def alphabet_of(vocabulary: dict[str, int], blank: str, boundary: str) -> Alphabet:
    """A tokenizer's vocabulary as an Alphabet; letters in lower case, as everywhere here."""
    letters = [""] * (1 + max(vocabulary.values()))
    for letter, index in vocabulary.items():
        letters[index] = letter.lower() if len(letter) == 1 else letter
    return Alphabet(tuple(letters), vocabulary[blank], vocabulary[boundary])
