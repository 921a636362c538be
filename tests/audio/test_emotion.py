"""The head abstains on little or unclear voice, hears a caller against themselves, and other
classifiers' labels are understood."""

import numpy as np
import pytest
import torch

from audio.emotion import (
    ACTED,
    LONGEST,
    UNKNOWN,
    EmotionHead,
    Feeling,
    cues,
    evened,
    feeling_of,
    felt,
    halved,
    together,
)
from audio.prosody import tones
from audio.speaker_normalisation import NUMBERS, Caller, contours
from audio.types import EMOTIONS, RATE, Prosody

CLEAR = Prosody(180.0, 5.0, -20.0, 4.0, 0.1, 2.0)
ANGRY = Feeling({"angry": 0.7, "neutral": 0.3}, 0.8, 0.1)


def voice(hz=180.0, gain=0.2, seconds=1.5):
    """A buzz that swells and fades, with quiet around it."""
    time = np.arange(int(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * hz * n * time) / n for n in range(1, 12))
    swell = np.sin(np.pi * time / seconds) ** 2
    hiss = np.random.default_rng(0).standard_normal(len(time)) * 1e-4
    return np.pad(gain * (swell * buzz + hiss), RATE // 4).astype(np.float32)


def measured(**how):
    return tones(voice(**how), None)


@pytest.fixture
def head():
    torch.manual_seed(0)
    return EmotionHead(layers=3, width=16, hidden=8).eval()


def test_a_feeling_is_a_distribution(head):
    feeling = head.feel(head.blend(torch.randn(3, 100, 16)), measured(), Caller())
    assert tuple(feeling.emotion) == EMOTIONS
    assert sum(feeling.emotion.values()) == pytest.approx(1)
    assert 0 <= feeling.arousal <= 1
    assert 0 <= feeling.valence <= 1


def test_calm_is_neutral():
    feeling = felt([0.1 if name == "neutral" else 0.9 * (name == "calm") for name in ACTED])
    assert feeling.emotion["neutral"] == pytest.approx(1)


def test_padding_does_not_change_the_verdict(head):
    contour, layers = torch.randn(1, 40, NUMBERS), torch.randn(1, 20, 16)
    there = torch.cat([torch.ones(1, 40), torch.zeros(1, 8)], 1)
    padded = torch.cat([contour, torch.zeros(1, 8, NUMBERS)], 1)
    longer = torch.cat([layers, torch.randn(1, 4, 16)], 1)
    alone = head(contour, torch.ones(1, 40), layers)
    torch.testing.assert_close(alone, head(padded, there, longer))


def test_blending_streamed_pieces_is_blending_the_whole(head):
    layers = torch.randn(3, 30, 16)
    pieces = [head.blend(layers[:, at : at + 7]) for at in range(0, 30, 7)]
    torch.testing.assert_close(torch.cat(pieces), head.blend(layers))
    # the head is taught on layers halved first: the same thing
    torch.testing.assert_close(halved(head.blend(layers)), head.mix(halved(evened(layers))))


@pytest.mark.parametrize("frames", [1, 7, 90, 2000])
def test_any_length_can_be_felt(head, frames):
    assert head.feel(head.blend(torch.randn(3, frames, 16)), measured(), Caller()).emotion


def test_layers_and_contour_are_of_the_same_stretch():
    contour, layers = torch.arange(9.0)[:, None], torch.arange(50.0)[:, None]
    contour, layers = together(contour, layers, start=6)
    assert contour.flatten().tolist() == [*range(9), 0]
    assert layers.flatten().tolist() == [3, 4, 5, 6, 7]
    long, _ = together(torch.zeros(LONGEST + 40, 1), layers, 0)
    assert len(long) == LONGEST


def test_gain_and_pitch_of_a_caller_are_no_feeling():
    views = []
    for how in ({"gain": 0.02, "hz": 120.0}, {"gain": 0.3, "hz": 240.0}):
        turn, caller = contours(measured(**how)), Caller()
        caller.hear(turn)
        views.append(caller.view(turn)[0])
    louder, softer = (view[:, -1].max() for view in views)
    assert abs(louder - softer) < 0.2
    assert all(abs(view[:, -3].mean()) < 0.2 for view in views)


def test_a_raised_voice_stands_out_against_earlier_turns():
    calm, raised = contours(measured(hz=150.0, gain=0.03)), contours(measured(hz=260.0, gain=0.3))
    known, new = Caller(), Caller()
    for _ in range(5):
        known.hear(calm)
    for caller in (known, new):
        caller.hear(raised)
    assert known.view(raised)[0][:, -3].max() > new.view(raised)[0][:, -3].max() + 0.5
    assert known.view(raised)[0][:, -1].max() > new.view(raised)[0][:, -1].max() + 0.3


def test_what_was_heard_long_ago_fades():
    caller, turn = Caller(), contours(measured())
    for _ in range(200):
        caller.hear(turn)
    assert caller.steps <= 6000
    assert caller.join([caller]).steps == 2 * caller.steps


def test_silence_has_no_contours():
    assert contours(tones(np.zeros(RATE, np.float32), None)) is None


@pytest.mark.parametrize(
    ("prosody", "heard_s"),
    [
        (Prosody(180.0, 5.0, -20.0, 4.0, 0.1, 0.3), 2.0),  # hardly any voice
        (Prosody(None, None, None, None, 1.0, 0.0), 3.0),  # none at all
        (Prosody(None, None, -60.0, None, 0.5, 0.6), 1.0),  # whispers far below the line's floor
    ],
)
def test_little_or_unclear_voice_is_no_emotion(prosody, heard_s):
    verdict = cues(ANGRY, prosody, heard_s)
    assert dict(verdict.emotion) == {}
    assert verdict.arousal is None
    assert verdict.reliability <= 0.1


def test_a_flat_verdict_is_no_verdict():
    flat = Feeling(dict.fromkeys(EMOTIONS, 1 / 7), 0.5, 0.5)
    assert not cues(flat, CLEAR, 2.0).emotion
    assert not cues(UNKNOWN, CLEAR, 2.0).emotion


def test_reliability_grows_with_the_voice_heard():
    def reliability(voiced_s):
        return cues(ANGRY, Prosody(180.0, 5.0, -20.0, 4.0, 0.1, voiced_s), 3.0).reliability

    grown = [reliability(s) for s in (0.5, 0.9, 1.4, 2.0, 3.0)]
    assert grown == sorted(grown)
    assert grown[-1] == 1


def test_foreign_labels():
    labels = {0: "neu", 1: "hap", 2: "ang", 3: "sad"}
    feeling = feeling_of(labels, [0.1, 0.1, 0.7, 0.1])
    assert max(feeling.emotion, key=feeling.emotion.get) == "angry"
    assert feeling.valence < 0.3
    assert feeling_of({0: "LABEL_0", 1: "LABEL_1"}, [0.5, 0.5]) is UNKNOWN
