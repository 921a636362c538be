"""The head abstains on little or unclear voice, hears a caller against themselves, and other
classifiers' labels are understood."""

import numpy as np
import pytest
import torch

from audio.emotion import (
    ACTED_EMOTIONS,
    MAX_FRAMES,
    NO_ESTIMATE,
    EmotionEstimate,
    EmotionHead,
    acoustic_cues,
    align_frames,
    average_pairs,
    estimate_from_acted,
    estimate_from_labels,
    normalise_scale,
)
from audio.prosody import measure_prosody
from audio.speaker_normalisation import FEATURES_PER_FRAME, SpeakerProfile, measure_contours
from audio.types import EMOTIONS, RATE, Prosody

CLEAR = Prosody(180.0, 5.0, -20.0, 4.0, 0.1, 2.0)
ANGRY = EmotionEstimate({"angry": 0.7, "neutral": 0.3}, 0.8, 0.1)


def voice(hz=180.0, gain=0.2, seconds=1.5):
    """A buzz that swells and fades, with quiet around it."""
    time = np.arange(int(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * hz * n * time) / n for n in range(1, 12))
    swell = np.sin(np.pi * time / seconds) ** 2
    hiss = np.random.default_rng(0).standard_normal(len(time)) * 1e-4
    return np.pad(gain * (swell * buzz + hiss), RATE // 4).astype(np.float32)


def measured(**how):
    return measure_prosody(voice(**how), None)


@pytest.fixture
def head():
    torch.manual_seed(0)
    return EmotionHead(layers=3, width=16, hidden=8).eval()


def test_a_feeling_is_a_distribution(head):
    feeling = head.estimate(
        head.blend_layers(torch.randn(3, 100, 16)), measured(), SpeakerProfile()
    )
    assert tuple(feeling.emotion) == EMOTIONS
    assert sum(feeling.emotion.values()) == pytest.approx(1)
    assert 0 <= feeling.arousal <= 1
    assert 0 <= feeling.valence <= 1


def test_calm_is_neutral():
    feeling = estimate_from_acted(
        [0.1 if name == "neutral" else 0.9 * (name == "calm") for name in ACTED_EMOTIONS]
    )
    assert feeling.emotion["neutral"] == pytest.approx(1)


def test_padding_does_not_change_the_verdict(head):
    contour, layers = torch.randn(1, 40, FEATURES_PER_FRAME), torch.randn(1, 20, 16)
    there = torch.cat([torch.ones(1, 40), torch.zeros(1, 8)], 1)
    padded = torch.cat([contour, torch.zeros(1, 8, FEATURES_PER_FRAME)], 1)
    longer = torch.cat([layers, torch.randn(1, 4, 16)], 1)
    alone = head(contour, torch.ones(1, 40), layers)
    torch.testing.assert_close(alone, head(padded, there, longer))


def test_blending_streamed_pieces_is_blending_the_whole(head):
    layers = torch.randn(3, 30, 16)
    pieces = [head.blend_layers(layers[:, at : at + 7]) for at in range(0, 30, 7)]
    torch.testing.assert_close(torch.cat(pieces), head.blend_layers(layers))
    # the head is taught on layers halved first: the same thing
    torch.testing.assert_close(
        average_pairs(head.blend_layers(layers)),
        head.blend_normalised(average_pairs(normalise_scale(layers))),
    )


@pytest.mark.parametrize("frames", [1, 7, 90, 2000])
def test_any_length_can_be_felt(head, frames):
    assert head.estimate(
        head.blend_layers(torch.randn(3, frames, 16)), measured(), SpeakerProfile()
    ).emotion


def test_layers_and_contour_are_of_the_same_stretch():
    contour, layers = torch.arange(9.0)[:, None], torch.arange(50.0)[:, None]
    contour, layers = align_frames(contour, layers, start=6)
    assert contour.flatten().tolist() == [*range(9), 0]
    assert layers.flatten().tolist() == [3, 4, 5, 6, 7]
    long, _ = align_frames(torch.zeros(MAX_FRAMES + 40, 1), layers, 0)
    assert len(long) == MAX_FRAMES


def test_gain_and_pitch_of_a_caller_are_no_feeling():
    views = []
    for how in ({"gain": 0.02, "hz": 120.0}, {"gain": 0.3, "hz": 240.0}):
        turn, caller = measure_contours(measured(**how)), SpeakerProfile()
        caller.update(turn)
        views.append(caller.normalise(turn)[0])
    louder, softer = (view[:, -1].max() for view in views)
    assert abs(louder - softer) < 0.2
    assert all(abs(view[:, -3].mean()) < 0.2 for view in views)


def test_a_raised_voice_stands_out_against_earlier_turns():
    calm, raised = (
        measure_contours(measured(hz=150.0, gain=0.03)),
        measure_contours(measured(hz=260.0, gain=0.3)),
    )
    known, new = SpeakerProfile(), SpeakerProfile()
    for _ in range(5):
        known.update(calm)
    for caller in (known, new):
        caller.update(raised)
    assert known.normalise(raised)[0][:, -3].max() > new.normalise(raised)[0][:, -3].max() + 0.5
    assert known.normalise(raised)[0][:, -1].max() > new.normalise(raised)[0][:, -1].max() + 0.3


def test_what_was_heard_long_ago_fades():
    caller, turn = SpeakerProfile(), measure_contours(measured())
    for _ in range(200):
        caller.update(turn)
    assert caller.step_count <= 6000
    assert caller.merged_with([caller]).step_count == 2 * caller.step_count


def test_silence_has_no_contours():
    assert measure_contours(measure_prosody(np.zeros(RATE, np.float32), None)) is None


@pytest.mark.parametrize(
    ("prosody", "heard_s"),
    [
        (Prosody(180.0, 5.0, -20.0, 4.0, 0.1, 0.3), 2.0),  # hardly any voice
        (Prosody(None, None, None, None, 1.0, 0.0), 3.0),  # none at all
        (Prosody(None, None, -60.0, None, 0.5, 0.6), 1.0),  # whispers far below the line's floor
    ],
)
def test_little_or_unclear_voice_is_no_emotion(prosody, heard_s):
    verdict = acoustic_cues(ANGRY, prosody, heard_s)
    assert dict(verdict.emotion) == {}
    assert verdict.arousal is None
    assert verdict.reliability <= 0.1


def test_a_flat_verdict_is_no_verdict():
    flat = EmotionEstimate(dict.fromkeys(EMOTIONS, 1 / 7), 0.5, 0.5)
    assert not acoustic_cues(flat, CLEAR, 2.0).emotion
    assert not acoustic_cues(NO_ESTIMATE, CLEAR, 2.0).emotion


def test_reliability_grows_with_the_voice_heard():
    def reliability(voiced_s):
        return acoustic_cues(ANGRY, Prosody(180.0, 5.0, -20.0, 4.0, 0.1, voiced_s), 3.0).reliability

    grown = [reliability(s) for s in (0.5, 0.9, 1.4, 2.0, 3.0)]
    assert grown == sorted(grown)
    assert grown[-1] == 1


def test_foreign_labels():
    labels = {0: "neu", 1: "hap", 2: "ang", 3: "sad"}
    feeling = estimate_from_labels(labels, [0.1, 0.1, 0.7, 0.1])
    assert max(feeling.emotion, key=feeling.emotion.get) == "angry"
    assert feeling.valence < 0.3
    assert estimate_from_labels({0: "LABEL_0", 1: "LABEL_1"}, [0.5, 0.5]) is NO_ESTIMATE
