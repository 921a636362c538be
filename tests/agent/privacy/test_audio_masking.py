"""No sound is written before it is known what was said, and nothing private is written at all."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.effects import DiscardTurn, FeedEncoder, UnderstandTurn
from agent.core.inputs import (
    AudioReceived,
    ConnectionResumed,
    DeadlineReached,
    PartialTextReceived,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.privacy.audio_masking import (
    MAX_HOLD_SAMPLES,
    MIN_HOLD_SAMPLES,
    PAD_SAMPLES,
    AudioMasker,
)
from agent.privacy.redaction_record import Redaction
from audio.types import RATE, VOICE_HOP, Expectation
from dialogs.values import Understanding
from tests.support.strategies import cut, packet_sizes

SPEECH = np.random.default_rng(7).uniform(0.1, 0.9, 40 * RATE).astype(np.float32)
OTHER = -SPEECH


def heard(samples, leg="customer"):
    return AudioReceived(0.0, leg, samples, ())


def listen(start, samples, stream=1, leg="customer"):
    return FeedEncoder(stream, leg, start, samples, False)


def understand(stream=1, ask=1, leg="customer", kind="open"):
    return UnderstandTurn(ask, stream, leg, stream, "", Expectation(kind))


def understood(ask=1):
    return TurnUnderstood(0.0, ask, Understanding("", "", 0.0))


def spoken(start, end):
    return Redaction("card", "transcript", 0, 4, "card number", "", start, end)


class Reel:
    """What came out of a tape: in one piece, and as a leg again with gaps as NaN."""

    def __init__(self, legs=("customer",), starts=None):
        self.tape = AudioMasker(legs, starts)
        self.pieces = []

    def push(self, event, effects=(), redactions=()):
        out = self.tape.process(event, effects, redactions)
        self.pieces += out
        return out

    def close(self):
        self.pieces += self.tape.flush()
        return self

    def leg(self, name="customer"):
        own = [piece for piece in self.pieces if piece.leg == name]
        assert all(a.start + len(a.samples) <= b.start for a, b in pairwise(own)), "in order, once"
        whole = np.full(max((p.start + len(p.samples) for p in own), default=0), np.nan, np.float32)
        for piece in own:
            whole[piece.start : piece.start + len(piece.samples)] = piece.samples
        return whole

    def upto(self, name="customer"):
        return len(self.leg(name))


def test_a_second_is_held_back():
    reel = Reel()
    reel.push(heard(SPEECH[: 3 * RATE]))
    assert np.array_equal(reel.leg(), SPEECH[: 3 * RATE - MIN_HOLD_SAMPLES])
    assert np.array_equal(reel.close().leg(), SPEECH[: 3 * RATE])


def test_a_turn_is_not_written_before_it_is_understood():
    reel = Reel()
    reel.push(heard(SPEECH[:RATE]))
    reel.push(heard(SPEECH[RATE : 4 * RATE]), [listen(RATE, SPEECH[RATE : 4 * RATE])])
    assert reel.upto() == RATE - PAD_SAMPLES
    reel.push(heard(SPEECH[4 * RATE : 5 * RATE]), [understand()])
    reel.push(heard(SPEECH[5 * RATE : 9 * RATE]))
    assert reel.upto() == RATE - PAD_SAMPLES
    reel.push(understood())
    assert np.array_equal(reel.leg(), SPEECH[: 9 * RATE - MIN_HOLD_SAMPLES])


def test_words_that_are_private_are_silence_and_what_is_around_them():
    reel = Reel()
    reel.push(heard(SPEECH[: 6 * RATE]), [listen(0, SPEECH[: 6 * RATE])])
    reel.push(DeadlineReached(1.0), [understand()])
    reel.push(understood(), (), [spoken(2 * RATE, 3 * RATE)])
    whole = reel.close().leg()
    start, end = 2 * RATE - PAD_SAMPLES, 3 * RATE + PAD_SAMPLES
    assert not whole[start:end].any()
    assert np.array_equal(whole[:start], SPEECH[:start])
    assert np.array_equal(whole[end:], SPEECH[end : 6 * RATE])


@pytest.mark.parametrize(
    ("kind", "answer", "redactions"),
    [
        ("digits", understood(), []),
        ("open", UnderstandingFailed(0.0, 1, "late"), []),
        ("open", understood(), [spoken(0, 0)]),
        ("open", understood(), [spoken(2 * RATE, 3 * RATE), spoken(0, 0)]),
    ],
)
def test_a_turn_is_silence_where_a_number_was_asked_or_nobody_knows(kind, answer, redactions):
    reel = Reel()
    reel.push(heard(SPEECH[: 2 * RATE]))
    reel.push(heard(SPEECH[2 * RATE : 5 * RATE]), [listen(2 * RATE, SPEECH[2 * RATE : 5 * RATE])])
    reel.push(DeadlineReached(1.0), [understand(kind=kind)])
    reel.push(answer, (), redactions)
    reel.push(heard(SPEECH[5 * RATE : 8 * RATE]))
    whole = reel.close().leg()
    assert not whole[2 * RATE - PAD_SAMPLES : 5 * RATE + PAD_SAMPLES].any()
    assert np.array_equal(whole[: 2 * RATE - PAD_SAMPLES], SPEECH[: 2 * RATE - PAD_SAMPLES])
    assert np.array_equal(
        whole[5 * RATE + PAD_SAMPLES :], SPEECH[5 * RATE + PAD_SAMPLES : 8 * RATE]
    )


@pytest.mark.parametrize(
    ("asked", "kind", "there"),
    [
        ("open", "card", False),
        ("open", "account", False),
        ("open", "code", True),  # "transfer two hundred", before the dollars
        ("amount", "code", True),
        ("choice", "code", False),
        ("yes_no", "card", False),
    ],
)
def test_a_number_that_was_in_words_on_the_way_is_not_kept_when_they_change(asked, kind, there):
    reel = Reel()
    reel.push(heard(SPEECH[: 3 * RATE]), [listen(0, SPEECH[: 3 * RATE])])
    reel.push(
        PartialTextReceived(1.0, 1, "seven seven"), (), [Redaction(kind, "text", 0, 4, "number")]
    )
    reel.push(PartialTextReceived(1.1, 1, "pay a bill"))
    reel.push(DeadlineReached(1.2), [understand(kind=asked)])
    reel.push(understood())
    assert reel.close().leg().any() == there


def test_what_was_no_speech_is_kept():
    reel = Reel()
    reel.push(heard(SPEECH[: 3 * RATE]), [listen(RATE, SPEECH[RATE : 3 * RATE])])
    reel.push(DeadlineReached(1.0), [DiscardTurn(1)])
    assert np.array_equal(reel.close().leg(), SPEECH[: 3 * RATE])


def test_a_turn_that_nobody_has_understood_when_it_ends_is_silence():
    reel = Reel()
    reel.push(heard(SPEECH[:RATE]))
    reel.push(heard(SPEECH[RATE : 3 * RATE]), [listen(RATE, SPEECH[RATE : 3 * RATE])])
    whole = reel.close().leg()
    assert np.array_equal(whole[: RATE - PAD_SAMPLES], SPEECH[: RATE - PAD_SAMPLES])
    assert not whole[RATE - PAD_SAMPLES :].any()


def test_a_turn_that_never_ends_is_not_held_for_ever_but_silenced():
    reel = Reel()
    length, second = MAX_HOLD_SAMPLES + 10 * RATE, SPEECH[:RATE]
    for start in range(0, length, RATE):
        reel.push(heard(second), [listen(start, second)])
    held = sum(len(samples) for _, samples in reel.tape._buffers["customer"].chunks)
    assert held <= MAX_HOLD_SAMPLES
    assert not reel.leg().any()
    assert reel.upto() == length - MAX_HOLD_SAMPLES


def test_sound_that_was_lost_is_a_gap_and_positions_go_on_after_it():
    reel = Reel()
    reel.push(heard(SPEECH[:RATE]))
    reel.push(ConnectionResumed(2.0, 5 * VOICE_HOP))
    reel.push(heard(SPEECH[RATE : 2 * RATE]))
    whole = reel.close().leg()
    after = RATE + 5 * VOICE_HOP
    assert np.array_equal(whole[:RATE], SPEECH[:RATE])
    assert np.isnan(whole[RATE:after]).all()
    assert np.array_equal(whole[after:], SPEECH[RATE : 2 * RATE])


def test_a_tape_goes_on_where_its_legs_were():
    reel = Reel(("customer", "agent"), {"customer": 7 * RATE})
    reel.push(heard(SPEECH[:RATE]), [listen(7 * RATE, SPEECH[:RATE])])
    reel.push(DeadlineReached(1.0), [understand()])
    reel.push(understood(), (), [spoken(7 * RATE + 3000, 7 * RATE + 4000)])
    reel.push(heard(OTHER[:RATE], "agent"))
    reel.close()
    starts = {piece.leg: piece.start for piece in reversed(reel.pieces)}
    assert starts == {"customer": 7 * RATE, "agent": 0}
    silent = reel.leg()[7 * RATE + 3000 - PAD_SAMPLES : 7 * RATE + 4000 + PAD_SAMPLES]
    assert not silent.any()
    assert np.array_equal(reel.leg("agent"), OTHER[:RATE])


def test_what_is_private_on_one_leg_is_kept_on_the_other():
    reel = Reel(("customer", "agent"))
    reel.push(heard(OTHER[: 2 * RATE], "agent"))
    reel.push(heard(SPEECH[: 2 * RATE]), [listen(0, SPEECH[: 2 * RATE])])
    reel.push(DeadlineReached(1.0), [understand(kind="digits")])
    reel.push(understood())
    reel.close()
    assert not reel.leg().any()
    assert np.array_equal(reel.leg("agent"), OTHER[: 2 * RATE])


# -- laws --------------------------------------------------------------------------------------

TURN = (3 * RATE, 5 * RATE)
PRIVATE = (3 * RATE + 9000, 4 * RATE)


def recorded(sizes, starts=None):
    """The same conversation in packets of these sizes: silence, a turn with a number, silence."""
    reel, at, known = Reel(("customer",), starts), 0, False
    for packet in cut(SPEECH[: 12 * RATE], sizes):
        effects, before = [], at
        at += len(packet)
        first, last = max(TURN[0], before), min(TURN[1], at)
        if first < last:
            effects.append(listen(first, SPEECH[first:last]))
        if before < TURN[1] <= at:
            effects.append(understand())
        reel.push(heard(packet), effects)
        if not known:
            assert reel.upto() <= TURN[0] - PAD_SAMPLES or at < TURN[0]
        if at >= 7 * RATE and not known:
            known = True
            reel.push(understood(), (), [spoken(*PRIVATE)])
    return reel.close()


@given(packet_sizes)
def test_what_is_written_does_not_depend_on_packets(sizes):
    small = [size for size in sizes if size]
    expected = SPEECH[: 12 * RATE].copy()
    expected[PRIVATE[0] - PAD_SAMPLES : PRIVATE[1] + PAD_SAMPLES] = 0
    assert np.array_equal(recorded(small * 9).leg(), expected)


@given(
    st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["customer", "agent"])), max_size=40),
    st.randoms(),
)
def test_private_sound_is_never_written_whatever_happens_in_whatever_order(happenings, random):
    """Turns begin, end, are understood and missed as it comes; each is private from end to end."""
    reel, asks, streams = Reel(("customer", "agent")), [], {}
    at, secret, count = {"customer": 0, "agent": 0}, {"customer": [], "agent": []}, 0
    for what, leg in happenings:
        effects, redactions = [], []
        event = DeadlineReached(0.0)
        if what <= 3:
            samples = SPEECH[: random.randrange(0, 2 * RATE)]
            event = heard(samples, leg)
            if leg in streams or what == 3:
                if leg not in streams:
                    count += 1
                    streams[leg] = count
                effects.append(listen(at[leg], samples, streams[leg], leg))
                secret[leg].append((at[leg], at[leg] + len(samples)))
            at[leg] += len(samples)
        elif what == 4 and leg in streams:
            stream = streams.pop(leg)
            asks.append(stream)
            effects.append(understand(stream, stream, leg, "digits"))
        elif what in (5, 6) and asks:
            ask = asks.pop(random.randrange(len(asks)))
            event = understood(ask) if what == 5 else UnderstandingFailed(0.0, ask, "late")
        elif what == 7:
            event = ConnectionResumed(0.0, VOICE_HOP)
            at = {name: position + VOICE_HOP for name, position in at.items()}
        reel.push(event, effects, redactions)
    reel.close()
    for leg, places in secret.items():
        whole = reel.leg(leg)
        assert not any(np.nan_to_num(whole[start:end]).any() for start, end in places)
