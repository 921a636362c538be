"""The shipped checkpoint run offline over recordings, for everything that measures it.

Calibration, the emotion head and the model cards all use this: the shipped folder, one offline pass
with the streaming attention mask, and recordings as a telephone line carries them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from agent.lab.training.ears.augmentation import resample, through_telephone, white_noise
from agent.lab.training.ears.corpus import Corpus, Utterance
from audio import checkpoints
from audio.beam_search import CALIBRATION_FILE, BeamSearchDecoder, has_language_model
from audio.encoder import frame_count
from audio.phones import PhoneAlphabet
from audio.phrase_search import Scores
from audio.transcriber import Transcriber, read_curves
from audio.types import RATE, Samples

PADDING_S = 0.25  # of noise before and after a recording, as turn detection leaves it
NOISE_FLOOR_RMS = 10 ** (-66 / 20)  # of the line itself
BATCH_S = 60.0

ChannelSimulation = Callable[[Samples, int], Samples]  # a recording and its rate -> 16 kHz


def telephone_channel(samples: Samples, rate: int) -> Samples:
    """The padded recording at 16 kHz, through an 8 kHz telephone line."""
    return through_telephone(_pad_with_noise(samples, rate), rate)


def wide_band_channel(samples: Samples, rate: int) -> Samples:
    """The padded recording at 16 kHz, in full bandwidth."""
    return resample(_pad_with_noise(samples, rate), rate, RATE)


def _pad_with_noise(samples: Samples, rate: int) -> Samples:
    quiet = int(PADDING_S * rate)
    padded = np.pad(samples, quiet)
    random = np.random.default_rng(len(samples))
    return np.asarray(
        padded + white_noise(len(padded), random) * np.float32(NOISE_FLOOR_RMS), np.float32
    )


@dataclass(frozen=True, slots=True)
class EncodedUtterance:
    """Log-probabilities of letters and phones, and encoder layers, of one utterance."""

    utterance: Utterance
    letter_scores: Scores  # letters
    phone_scores: Scores | None
    layers: Tensor | None  # (1 + layers, frames, width)


class OfflineRecogniser:
    """The checkpoint folder `ears` with its encoder, heads, lexicon and transcriber."""

    def __init__(self, folder: Path) -> None:
        found = checkpoints.find(str(folder))
        self.sha256 = found.weights_digest()
        self.encoder, self.head, alphabet = checkpoints.open_streaming_model(found)
        curves = read_curves(folder / CALIBRATION_FILE)
        self.phone_head = checkpoints.load_phone_head(found)
        phones = PhoneAlphabet() if self.phone_head else None
        lexicon = (
            BeamSearchDecoder(folder, phones or alphabet) if has_language_model(folder) else None
        )
        self.transcriber = Transcriber(alphabet, curves, lexicon, phone_alphabet=phones)

    @torch.inference_mode()
    def encode(
        self,
        corpus: Corpus,
        utterances: Sequence[Utterance],
        channel: ChannelSimulation,
        layers: bool = False,
    ) -> Iterator[EncodedUtterance]:
        """The output for every utterance, in order of length; `layers` also returns the layers."""
        batch: list[Utterance] = []
        for utterance in [*sorted(utterances, key=lambda u: u.seconds), None]:
            full = batch and (
                utterance is None or (len(batch) + 1) * (utterance.seconds + 0.5) > BATCH_S
            )
            if full:
                yield from self._encode_batch(corpus, batch, channel, layers)
                batch = []
            if utterance is not None:
                batch.append(utterance)

    def _encode_batch(
        self, corpus: Corpus, batch: Sequence[Utterance], channel: ChannelSimulation, layers: bool
    ) -> Iterator[EncodedUtterance]:
        rows = [channel(corpus.samples(u), u.rate) for u in batch]
        lengths = [len(row) for row in rows]
        samples = np.zeros((len(rows), max(lengths)), np.float32)
        for line, row in zip(samples, rows, strict=True):
            line[: len(row)] = row
        with torch.autocast("cpu", torch.bfloat16, enabled=layers):
            *every, last = self.encoder(torch.from_numpy(samples), lengths)
        letter_scores = F.log_softmax(self.head(last.float()), -1).numpy()
        phone_scores = None
        if self.phone_head is not None:
            phone_scores = F.log_softmax(self.phone_head(last.float()), -1).numpy()
        for index, (utterance, length) in enumerate(zip(batch, lengths, strict=True)):
            frames = frame_count(length)
            kept = torch.stack([x[index, :frames] for x in every]).half() if layers else None
            phones = None if phone_scores is None else phone_scores[index, :frames]
            yield EncodedUtterance(utterance, letter_scores[index, :frames], phones, kept)
