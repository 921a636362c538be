"""What does a finished checkpoint make of a list of recordings?

Everything that calibration, the emotion head and the model card measure goes through here: the
shipped folder, the offline pass with the streaming mask, recordings as a phone line carries them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from agent.lab.training.ears.augmentation import hiss, on_the_phone, resampled
from agent.lab.training.ears.corpus import Corpus, Utterance
from audio import checkpoints
from audio.beam_search import CALIBRATION, Lexicon, there
from audio.encoder import frames_in
from audio.phones import PhoneAlphabet
from audio.phrase_search import Scores
from audio.transcriber import Transcriber, read_curves
from audio.types import RATE, Samples

QUIET_S = 0.25  # before and after a recording, as turn detection leaves it
FLOOR = 10 ** (-66 / 20)  # RMS of the line's own noise
BATCH_S = 60.0

Room = Callable[[Samples, int], Samples]  # a recording and its rate -> 16 kHz


def phone(samples: Samples, rate: int) -> Samples:
    return on_the_phone(_framed(samples, rate), rate)


def wide(samples: Samples, rate: int) -> Samples:
    return resampled(_framed(samples, rate), rate, RATE)


def _framed(samples: Samples, rate: int) -> Samples:
    quiet = int(QUIET_S * rate)
    padded = np.pad(samples, quiet)
    random = np.random.default_rng(len(samples))
    return np.asarray(padded + hiss(len(padded), random) * np.float32(FLOOR), np.float32)


@dataclass(frozen=True, slots=True)
class Heard:
    utterance: Utterance
    likely: Scores  # letters
    phones: Scores | None
    layers: Tensor | None  # (1 + layers, frames, width)


class Ear:
    """The shipped folder `ears`, opened for measuring."""

    def __init__(self, folder: Path) -> None:
        found = checkpoints.find(str(folder))
        self.sha256 = found.hash()
        self.encoder, self.head, alphabet = checkpoints.streaming(found)
        curves = read_curves(folder / CALIBRATION)
        self.phone_head = checkpoints.phone_head(found)
        phones = PhoneAlphabet() if self.phone_head else None
        lexicon = Lexicon(folder, phones or alphabet) if there(folder) else None
        self.transcriber = Transcriber(alphabet, curves, lexicon, phones=phones)

    @torch.inference_mode()
    def hear(
        self, corpus: Corpus, said: Sequence[Utterance], room: Room, layers: bool = False
    ) -> Iterator[Heard]:
        """In order of length, not of `said`."""
        batch: list[Utterance] = []
        for utterance in [*sorted(said, key=lambda u: u.seconds), None]:
            full = batch and (
                utterance is None or (len(batch) + 1) * (utterance.seconds + 0.5) > BATCH_S
            )
            if full:
                yield from self._batch(corpus, batch, room, layers)
                batch = []
            if utterance is not None:
                batch.append(utterance)

    def _batch(
        self, corpus: Corpus, batch: Sequence[Utterance], room: Room, layers: bool
    ) -> Iterator[Heard]:
        rows = [room(corpus.samples(u), u.rate) for u in batch]
        lengths = [len(row) for row in rows]
        samples = np.zeros((len(rows), max(lengths)), np.float32)
        for line, row in zip(samples, rows, strict=True):
            line[: len(row)] = row
        with torch.autocast("cpu", torch.bfloat16, enabled=layers):
            *every, last = self.encoder(torch.from_numpy(samples), lengths)
        likely = F.log_softmax(self.head(last.float()), -1).numpy()
        sounds = None
        if self.phone_head is not None:
            sounds = F.log_softmax(self.phone_head(last.float()), -1).numpy()
        for index, (utterance, length) in enumerate(zip(batch, lengths, strict=True)):
            frames = frames_in(length)
            kept = torch.stack([x[index, :frames] for x in every]).half() if layers else None
            phones = None if sounds is None else sounds[index, :frames]
            yield Heard(utterance, likely[index, :frames], phones, kept)
