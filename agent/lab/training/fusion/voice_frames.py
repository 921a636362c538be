"""What do the voices that are put together with words sound like?

Acted recordings, as frames of 320 ms: how the colour and pitch of the voice differ from what is
usual for this caller (audio/speaker_normalisation.py), and the ears' encoder layers, evenly
blended. Nothing in here was learned from an emotion's label, so that folds decide who is known and
who is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from agent.lab.training.ears.acted_recordings import Voice, in_order, voices
from agent.lab.training.ears.corpus import FEELING, load
from agent.lab.training.ears.emotion_training import seen
from agent.lab.training.ears.offline_recogniser import Ear, phone, wide
from agent.lab.training.fusion.pairs import Sound
from agent.lab.training.fusion.sentences import Mood
from audio.speaker_normalisation import NUMBERS

STEP = 8  # of the encoder's frames of 40 ms in one of ours
FRAME = 2 * NUMBERS + 256  # means and deviations of the contour, and the blended layers
MOODS_OF: Mapping[str, Mood] = {
    "angry": "upset", "anger": "upset", "disgust": "upset",
    "sad": "unhappy", "sadness": "unhappy", "fearful": "unhappy", "fear": "unhappy",
    "calm": "neutral", "neutral": "neutral",
    "happy": "pleased", "happiness": "pleased",
}  # fmt: skip  # somebody surprised may be pleased or not
MOST = 20  # recordings of one emotion by one speaker: nEMO has three times as many as RAVDESS


def outline(contour: Tensor, layers: Tensor) -> Tensor:
    """`contour` (2 n, 43) of 20 ms and blended `layers` (n, width) of 40 ms -> frames of 320 ms,
    (ceil(n / 8), 2 * 43 + width): means, and how far the contour moves within."""
    short = -len(layers) % STEP
    # Repeating the last frame leaves means nearly alone; zeros would make every end a fall.
    layers = torch.cat([layers, layers[-1:].expand(short, -1)])
    contour = torch.cat([contour, contour[-1:].expand(2 * short, -1)])
    within = contour.view(-1, 2 * STEP, contour.shape[1])
    moved = within.var(1, correction=0).clamp_min(1e-6).sqrt()
    return torch.cat([within.mean(1), moved, layers.view(-1, STEP, layers.shape[1]).mean(1)], 1)


def sounds(data: Path, ears: Path, work: Path) -> list[Sound]:
    """Of RAVDESS and nEMO, each speaker's recordings as turns of one call in a drawn order."""
    ear = Ear(ears)
    corpus = load(data, FEELING, work / "feeling")
    found = []
    for source in FEELING:
        by_room = []
        for room in (wide, phone):
            some = _fewer(voices(ear, corpus, source, room, work))
            by_room.append(dict(_outlined(some)))
        studio, telephone = by_room
        for path, (voice, frames) in studio.items():
            if path in telephone:
                mood = MOODS_OF[voice.utterance.emotion]
                found.append(Sound(voice.utterance.speaker, mood, frames, telephone[path][1]))
    return found


def _fewer(some: Sequence[Voice]) -> list[Voice]:
    """The first of each speaker's in each emotion whose mood is known."""
    count = Counter[tuple[str, str]]()
    kept = []
    for voice in some:
        of = voice.utterance.speaker, voice.utterance.emotion
        count[of] += 1
        if voice.utterance.emotion in MOODS_OF and count[of] <= MOST:
            kept.append(voice)
    return kept


def _outlined(some: Sequence[Voice]) -> Iterator[tuple[str, tuple[Voice, Tensor]]]:
    for voice, before in in_order(some):
        contour, layers = seen(voice, before)
        yield voice.utterance.path, (voice, outline(contour, layers.float().mean(0)))
