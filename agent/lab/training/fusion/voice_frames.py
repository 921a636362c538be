"""Acted recordings as the 320 ms voice frames that fusion pairs with words.

A frame holds how the timbre and pitch of the voice differ from what is usual for this caller
(audio/speaker_normalisation.py), and the encoder's layers, blended in equal parts. Nothing here is
trained on emotion labels, so a test fold's speakers are unseen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from agent.lab.training.ears.acted_recordings import (
    ActedRecording,
    in_call_order,
    load_acted_recordings,
)
from agent.lab.training.ears.corpus import EMOTION_SETS, load_corpus
from agent.lab.training.ears.emotion_training import head_input
from agent.lab.training.ears.offline_recogniser import (
    OfflineRecogniser,
    telephone_channel,
    wide_band_channel,
)
from agent.lab.training.fusion.pairs import VoiceFrames
from agent.lab.training.fusion.sentences import MoodClass
from audio.speaker_normalisation import FEATURES_PER_FRAME

ENCODER_FRAMES_PER_STEP = 8  # encoder frames of 40 ms in one frame of 320 ms
FRAME_WIDTH = (
    2 * FEATURES_PER_FRAME + 256
)  # means and deviations of the contour, and the blended layers
MOOD_OF_ACTED_EMOTION: Mapping[str, MoodClass] = {
    "angry": "upset", "anger": "upset", "disgust": "upset",
    "sad": "unhappy", "sadness": "unhappy", "fearful": "unhappy", "fear": "unhappy",
    "calm": "neutral", "neutral": "neutral",
    "happy": "pleased", "happiness": "pleased",
}  # fmt: skip  # without "surprised": such a speaker may be pleased or not
MAX_RECORDINGS_PER_EMOTION = (
    20  # of one emotion by one speaker: nEMO has three times as many as RAVDESS
)


def to_voice_frames(contour: Tensor, layers: Tensor) -> Tensor:
    """Frames of 320 ms, (ceil(n / 8), 2 * 43 + width): means, and the contour's deviation.

    `contour` is (2 n, 43) in steps of 20 ms, `layers`, already blended, (n, width) of 40 ms.
    """
    missing = -len(layers) % ENCODER_FRAMES_PER_STEP
    # Repeating the last frame hardly changes the means; zeros would make every end a fall.
    layers = torch.cat([layers, layers[-1:].expand(missing, -1)])
    contour = torch.cat([contour, contour[-1:].expand(2 * missing, -1)])
    blocks = contour.view(-1, 2 * ENCODER_FRAMES_PER_STEP, contour.shape[1])
    deviation = blocks.var(1, correction=0).clamp_min(1e-6).sqrt()
    return torch.cat(
        [
            blocks.mean(1),
            deviation,
            layers.view(-1, ENCODER_FRAMES_PER_STEP, layers.shape[1]).mean(1),
        ],
        1,
    )


def load_voice_frames(data: Path, checkpoint: Path, work: Path) -> list[VoiceFrames]:
    """The recordings of RAVDESS and nEMO, a speaker's being turns of one call in random order."""
    recogniser = OfflineRecogniser(checkpoint)
    corpus = load_corpus(data, EMOTION_SETS, work / "feeling")
    found = []
    for source in EMOTION_SETS:
        by_channel = []
        for channel in (wide_band_channel, telephone_channel):
            recordings = _cap_per_emotion(
                load_acted_recordings(recogniser, corpus, source, channel, work)
            )
            by_channel.append(dict(_frames_by_path(recordings)))
        studio, telephone = by_channel
        for path, (voice, frames) in studio.items():
            if path in telephone:
                mood = MOOD_OF_ACTED_EMOTION[voice.utterance.emotion]
                found.append(VoiceFrames(voice.utterance.speaker, mood, frames, telephone[path][1]))
    return found


def _cap_per_emotion(recordings: Sequence[ActedRecording]) -> list[ActedRecording]:
    """At most `MAX_RECORDINGS_PER_EMOTION` of each speaker and emotion that has a mood."""
    count = Counter[tuple[str, str]]()
    kept = []
    for voice in recordings:
        key = voice.utterance.speaker, voice.utterance.emotion
        count[key] += 1
        if (
            voice.utterance.emotion in MOOD_OF_ACTED_EMOTION
            and count[key] <= MAX_RECORDINGS_PER_EMOTION
        ):
            kept.append(voice)
    return kept


def _frames_by_path(
    recordings: Sequence[ActedRecording],
) -> Iterator[tuple[str, tuple[ActedRecording, Tensor]]]:
    for voice, caller in in_call_order(recordings):
        contour, layers = head_input(voice, caller)
        yield voice.utterance.path, (voice, to_voice_frames(contour, layers.float().mean(0)))
