"""The head abstains on little or unclear voice, and other classifiers' labels are understood."""

import pytest
import torch

from audio.emotion import (
    UNKNOWN,
    EmotionHead,
    Feeling,
    cues,
    evened,
    feeling_of,
    halved,
    numbers,
)
from audio.types import EMOTIONS, Prosody

CLEAR = Prosody(180.0, 5.0, -20.0, 4.0, 0.1, 2.0)
ANGRY = Feeling({"angry": 0.7, "neutral": 0.3}, 0.8, 0.1)


@pytest.fixture
def head():
    torch.manual_seed(0)
    return EmotionHead(layers=3, width=16, hidden=8).eval()


def test_a_feeling_is_a_distribution(head):
    feeling = head.feel(head.blend(torch.randn(3, 40, 16)), CLEAR)
    assert tuple(feeling.emotion) == EMOTIONS
    assert sum(feeling.emotion.values()) == pytest.approx(1)
    assert 0 <= feeling.arousal <= 1
    assert 0 <= feeling.valence <= 1


def test_padding_does_not_change_the_verdict(head):
    x, facts = torch.randn(1, 20, 16), torch.tensor([numbers(CLEAR)])
    there = torch.ones(1, 20, dtype=torch.bool)
    padded = torch.cat([x, torch.randn(1, 5, 16)], 1)
    known = torch.cat([there, torch.zeros(1, 5, dtype=torch.bool)], 1)
    for alone, together in zip(head(x, there, facts), head(padded, known, facts), strict=True):
        torch.testing.assert_close(alone, together)


def test_blending_streamed_pieces_is_blending_the_whole(head):
    layers = torch.randn(3, 30, 16)
    pieces = [head.blend(layers[:, at : at + 7]) for at in range(0, 30, 7)]
    torch.testing.assert_close(torch.cat(pieces), head.blend(layers))
    # the head is taught on layers halved first: the same thing
    torch.testing.assert_close(halved(head.blend(layers)), head.mix(halved(evened(layers))))


def test_one_frame_is_enough_to_be_heard(head):
    assert head.feel(head.blend(torch.randn(3, 1, 16)), CLEAR).emotion


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
