"""What do the emotion head's pupils look and sound like?

Acted recordings as the encoder gave them and as contours, computed once: the layers for as long as
the encoder is the same, the contours for good.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from agent.lab.training.ears.corpus import Corpus, Utterance
from agent.lab.training.ears.offline_recogniser import Ear, Room, phone
from audio.emotion import ACTED, evened, halved
from audio.prosody import tones
from audio.speaker_normalisation import Caller, Contours, contours

T = TypeVar("T")

CALLED: dict[str, str] = {
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


def label_of(utterance: Utterance) -> int:
    return ACTED.index(CALLED[utterance.emotion])


@dataclass(frozen=True, eq=False)
class Voice:
    """One acted sentence."""

    utterance: Utterance
    telephone: bool
    layers: Tensor  # (layers, frames of 40 ms, width), half precision; `evened` and `halved`
    contours: Contours

    @property
    def label(self) -> int:
        return label_of(self.utterance)

    @property
    def line(self) -> tuple[str, bool]:
        """Whose voice, on what: turns that could be of one call."""
        return self.utterance.speaker, self.telephone

    @cached_property
    def alone(self) -> Caller:
        """A caller of whom nothing else was heard."""
        caller = Caller()
        caller.hear(self.contours)
        return caller


def voices(ear: Ear, corpus: Corpus, source: str, room: Room, cache: Path) -> list[Voice]:
    """Everything acted in `source`, as heard in `room`."""
    said = [u for u in corpus.utterances if u.source == source and u.emotion in CALLED]
    name = f"{source}-{room.__name__}"
    encoded = _cached(
        cache / f"layers-{name}-{ear.sha256}.pt", lambda: _encoded(ear, corpus, said, room)
    )
    drawn = _cached(cache / f"contours-{name}.pt", lambda: _drawn(corpus, said, room))
    found = []
    for utterance in said:
        bands, pitch = drawn[utterance.path]
        if len(bands):
            contour = Contours(bands.float().numpy(), pitch.numpy())
            found.append(Voice(utterance, room is phone, encoded[utterance.path], contour))
    return found


def _cached(path: Path, make: Callable[[], T]) -> T:
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        torch.save(make(), draft)
        draft.replace(path)  # two processes may be making the same
    return cast(T, torch.load(path, mmap=True, weights_only=True))


def _encoded(ear: Ear, corpus: Corpus, said: Sequence[Utterance], room: Room) -> dict[str, Tensor]:
    found = {}
    for one in track(ear.hear(corpus, said, room, layers=True), "encoding", len(said)):
        assert one.layers is not None
        found[one.utterance.path] = halved(evened(one.layers.float())).half()
    return found


def _drawn(
    corpus: Corpus, said: Sequence[Utterance], room: Room
) -> dict[str, tuple[Tensor, Tensor]]:
    found = {}
    for one in track(said, "contours"):
        turn = contours(tones(room(corpus.samples(one), one.rate), None))
        empty = np.zeros((0, 1), np.float32)
        bands, pitch = (turn.bands, turn.pitch) if turn else (empty, empty[:, 0])
        found[one.path] = (torch.from_numpy(bands).half(), torch.from_numpy(pitch))
    return found


def in_order(some: Sequence[Voice], seed: int = 3) -> list[tuple[Voice, Caller]]:
    """Each person's sentences in a drawn order, as turns of one call: each with the caller as
    known before it."""
    random = np.random.default_rng(seed)
    lines: dict[tuple[str, bool], list[Voice]] = {}
    for voice in some:
        lines.setdefault(voice.line, []).append(voice)
    heard = []
    for turns in lines.values():
        caller = Caller()
        for index in random.permutation(len(turns)):
            heard.append((turns[index], caller.copy()))
            caller.hear(turns[index].contours)
    return heard
