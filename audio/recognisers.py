"""How does one model hear many streams, packet by packet?

Two ways with the same verbs. `Streamed` encodes each chunk once, for all streams together, and the
end of the turn adds nothing but its last chunk: the embedded encoder, exactly, and every other
wav2vec2 or HuBERT, nearly. `Windowed` is for what has other layers (WavLM, a conformer): partial
text comes from a bounded window, and the turn is heard once more, whole, when it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audio.incremental import BLOCK, Encoded, Incremental, Memory
from audio.phrase_search import Alphabet, Scores
from audio.transcriber import Partial, Transcriber
from audio.types import RATE, Samples

WINDOW = 8 * RATE  # a windowed model's partial text is what it hears in the last 8 s
HOP = RATE // 2  # and comes twice a second
LONGEST = 40 * RATE  # heard in one piece at the end of a turn


@dataclass(slots=True, eq=False)
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
    until: int | None = None  # samples; what follows is known to be silence
    feel: bool = False


Outputs = tuple[Scores, Scores | None]  # of a turn: letters and phones, log probabilities


class Listener(Protocol):
    streaming: str  # "exact", "bounded" or "windowed"
    hop: int  # samples after which there is something new to hear
    ahead: int  # samples beyond a hop that its last frame sees

    def open(self, feel: bool) -> Hearing: ...
    def advance(self, packets: Sequence[tuple[Hearing, Samples]]) -> None: ...
    def finish(self, hearings: Sequence[Hearing]) -> list[Outputs]: ...
    def close(self, hearing: Hearing) -> None: ...


class Streamed:
    def __init__(
        self,
        encoder: Incremental,
        head: nn.Module,
        transcriber: Transcriber,
        phone_head: nn.Module | None = None,
    ) -> None:
        self.streaming = "exact" if encoder.exact else "bounded"
        self.encoder, self.head, self.transcriber = encoder, head, transcriber
        self.hop, self.ahead = encoder.hop, encoder.overhang
        self.phone_head = phone_head

    def open(self, feel: bool) -> Hearing:
        return Hearing(memory=self.encoder.open(), feel=feel and self.encoder.mix is not None)

    def close(self, hearing: Hearing) -> None:
        self.encoder.close(cast(Memory, hearing.memory))

    def advance(self, packets: Sequence[tuple[Hearing, Samples]]) -> None:
        heard = [(cast(Memory, hearing.memory), samples) for hearing, samples in packets]
        self._take([hearing for hearing, _ in packets], self.encoder.advance(heard))

    def finish(self, hearings: Sequence[Hearing]) -> list[Outputs]:
        memories = [cast(Memory, hearing.memory) for hearing in hearings]
        for hearing, memory in zip(hearings, memories, strict=True):
            if hearing.until is not None:
                self.encoder.end(memory, hearing.until)
        self._take(hearings, self.encoder.finish(memories))
        alphabet, sounds = self.transcriber.alphabet, self.transcriber.sounds
        return [
            (joined(h.likely, alphabet), joined(h.phones, sounds) if self.phone_head else None)
            for h in hearings
        ]

    @torch.inference_mode()
    def _take(self, hearings: Sequence[Hearing], encoded: Sequence[Encoded]) -> None:
        counts = [len(new.last) for new in encoded]
        if not sum(counts):
            return
        last = torch.cat([new.last for new in encoded])
        ends = np.cumsum(counts)[:-1]
        likely = np.split(_log_softmax(self.head, last), ends)
        phones = np.split(_log_softmax(self.phone_head, last), ends) if self.phone_head else []
        for index, (hearing, new) in enumerate(zip(hearings, encoded, strict=True)):
            if not len(new.last):
                continue
            hearing.likely.append(likely[index])
            if self.phone_head is not None:
                hearing.phones.append(phones[index])
            hearing.text = self.transcriber.listen(hearing.partial, likely[index])
            if hearing.feel and new.blended is not None:
                hearing.blended.append(new.blended)


def _log_softmax(head: nn.Module, last: Tensor) -> Scores:
    # A product of very few rows takes another way through the processor, with other bits.
    rows = F.pad(last, (0, 0, 0, max(0, BLOCK - len(last))))
    return cast(Scores, F.log_softmax(head(rows)[: len(last)].float(), -1).numpy())


class Windowed:
    streaming = "windowed"
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

    def finish(self, hearings: Sequence[Hearing]) -> list[Outputs]:
        return [(self._whole(hearing), None) for hearing in hearings]

    def close(self, hearing: Hearing) -> None:
        pass  # nothing is kept elsewhere

    def _whole(self, hearing: Hearing) -> Scores:
        whole = np.concatenate([np.zeros(0, np.float32), *hearing.samples])
        pieces = [whole[at : at + LONGEST] for at in range(0, len(whole), LONGEST)]
        return joined(list(map(self.hear, pieces)), self.transcriber.alphabet)

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
