"""Acted recordings as the emotion head's training data: encoder layers and contours, cached.

The cached layers are valid for one encoder, the contours for every encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from agent.lab.file_cache import load_or_compute
from agent.lab.training.ears.corpus import Corpus, Utterance
from agent.lab.training.ears.offline_recogniser import (
    ChannelSimulation,
    OfflineRecogniser,
    telephone_channel,
)
from audio.emotion import ACTED_EMOTIONS, average_pairs, normalise_scale
from audio.prosody import measure_prosody
from audio.speaker_normalisation import Contours, SpeakerProfile, measure_contours

T = TypeVar("T")

EMOTION_OF_SOURCE_LABEL: dict[str, str] = {
    "calm": "calm",
    "neutral": "neutral",
    "happy": "happy",
    "happiness": "happy",
    "sad": "sad",
    "sadness": "sad",
    "angry": "angry",
    "anger": "angry",
    "fearful": "fearful",
    "fear": "fearful",
    "surprised": "surprised",
    "disgust": "disgusted",
}


def emotion_index(utterance: Utterance) -> int:
    return ACTED_EMOTIONS.index(EMOTION_OF_SOURCE_LABEL[utterance.emotion])


@dataclass(frozen=True, eq=False)
class ActedRecording:
    """One acted sentence through one channel."""

    utterance: Utterance
    telephone: bool
    layers: Tensor  # (layers, frames of 40 ms, width), half precision; `evened` and `halved`
    contours: Contours

    @property
    def label(self) -> int:
        return emotion_index(self.utterance)

    @property
    def call_key(self) -> tuple[str, bool]:
        """(speaker, telephone): recordings with equal keys can be turns of one call."""
        return self.utterance.speaker, self.telephone

    @cached_property
    def single_turn_caller(self) -> SpeakerProfile:
        """A caller of whom this recording is the only turn."""
        caller = SpeakerProfile()
        caller.update(self.contours)
        return caller


def load_acted_recordings(
    recogniser: OfflineRecogniser,
    corpus: Corpus,
    source: str,
    channel: ChannelSimulation,
    cache: Path,
) -> list[ActedRecording]:
    """All acted recordings of `source` through `channel`, from the cache where it has them."""
    utterances = [
        u for u in corpus.utterances if u.source == source and u.emotion in EMOTION_OF_SOURCE_LABEL
    ]
    name = f"{source}-{channel.__name__}"
    layers_by_path = _load_or_encode(
        cache / f"layers-{name}-{recogniser.sha256}.pt",
        lambda: _encode_layers(recogniser, corpus, utterances, channel),
    )
    contours_by_path = _load_or_encode(
        cache / f"contours-{name}.pt", lambda: _compute_contours(corpus, utterances, channel)
    )
    recordings = []
    for utterance in utterances:
        bands, pitch = contours_by_path[utterance.path]
        if len(bands):
            contour = Contours(bands.float().numpy(), pitch.numpy())
            recordings.append(
                ActedRecording(
                    utterance, channel is telephone_channel, layers_by_path[utterance.path], contour
                )
            )
    return recordings


def _load_or_encode(path: Path, compute: Callable[[], T]) -> T:
    return load_or_compute(
        path,
        compute,
        torch.save,
        lambda file: cast(T, torch.load(file, mmap=True, weights_only=True)),
    )


def _encode_layers(
    recogniser: OfflineRecogniser,
    corpus: Corpus,
    utterances: Sequence[Utterance],
    channel: ChannelSimulation,
) -> dict[str, Tensor]:
    layers_by_path = {}
    for encoded in track(
        recogniser.encode(corpus, utterances, channel, layers=True), "encoding", len(utterances)
    ):
        assert encoded.layers is not None
        layers_by_path[encoded.utterance.path] = average_pairs(
            normalise_scale(encoded.layers.float())
        ).half()
    return layers_by_path


def _compute_contours(
    corpus: Corpus, utterances: Sequence[Utterance], channel: ChannelSimulation
) -> dict[str, tuple[Tensor, Tensor]]:
    contours_by_path = {}
    for utterance in track(utterances, "contours"):
        turn = measure_contours(
            measure_prosody(channel(corpus.samples(utterance), utterance.rate), None)
        )
        empty = np.zeros((0, 1), np.float32)
        bands, pitch = (turn.bands, turn.pitch) if turn else (empty, empty[:, 0])
        contours_by_path[utterance.path] = (torch.from_numpy(bands).half(), torch.from_numpy(pitch))
    return contours_by_path


def in_call_order(
    recordings: Sequence[ActedRecording], seed: int = 3
) -> list[tuple[ActedRecording, SpeakerProfile]]:
    """Each speaker's recordings in random order, as turns of one call.

    The caller beside a recording is what was known of the speaker before that turn.
    """
    random = np.random.default_rng(seed)
    calls: dict[tuple[str, bool], list[ActedRecording]] = {}
    for voice in recordings:
        calls.setdefault(voice.call_key, []).append(voice)
    ordered = []
    for turns in calls.values():
        caller = SpeakerProfile()
        for index in random.permutation(len(turns)):
            ordered.append((turns[index], caller.copy()))
            caller.update(turns[index].contours)
    return ordered
