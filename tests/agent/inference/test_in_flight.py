"""Every sample is told exactly once, as soon as it completes a hop, and all of it again on demand.

What was lost twice is given up; what is over leaves nothing behind.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.effects import FeedEncoder, UnderstandTurn
from agent.inference.in_flight import MAX_TRIES, InFlight
from agent.inference.messages import AudioChunk, RestoreCaller, UnderstandRequest
from audio.types import Expectation

HOP, AHEAD = 1000, 80
SAID = np.arange(12_000, dtype=np.float32)
KEY = ("s", 1)
PACKETS = st.lists(st.integers(0, 2500), max_size=30)


@pytest.fixture
def kept():
    return InFlight(HOP, AHEAD)


def ignored(text):
    pass


def listen(kept, samples, stream=1, session="s"):
    return kept.add_audio(session, FeedEncoder(stream, "customer", 7, samples, True), ignored)


def asked(number, stream=None, session="s", text=""):
    ask = UnderstandTurn(number, number, "customer", stream, text, Expectation())
    return UnderstandRequest(number, session, ask, date(2026, 11, 24), 0.0)


def in_packets(sizes):
    at = 0
    for size in sizes:
        yield SAID[at : at + size]
        at += size


def hops(samples):
    return max(0, samples - AHEAD) // HOP


# -- telling -----------------------------------------------------------------------------------


@given(PACKETS)
def test_every_sample_is_told_once_for_any_packets(sizes):
    kept, told, heard = InFlight(HOP, AHEAD), [], 0
    for packet in in_packets(sizes):
        heard += len(packet)
        before = hops(sum(len(sound.samples) for sound in told))
        if (sound := listen(kept, packet)) is not None:
            told.append(sound)
            assert hops(heard) > before  # it gives the encoder something to do
        assert hops(sum(len(sound.samples) for sound in told)) == hops(heard)  # and so at once
    whole = [*told, kept.add_request(asked(1, 1)).last_audio] if heard or sizes else []
    assert np.array_equal(np.concatenate([SAID[:0], *(s.samples for s in whole)]), SAID[:heard])
    assert [sound.first for sound in whole] == [place == 0 for place in range(len(whole))]
    assert {(sound.key, sound.start, sound.infer_emotion) for sound in whole} <= {(KEY, 7, True)}


@given(PACKETS)
def test_the_positions_at_which_something_is_told_do_not_depend_on_packets(sizes):
    """As far as packets are shorter than a hop: a longer one is told once."""
    positions, kept, heard = [], InFlight(HOP, AHEAD), 0
    for packet in in_packets([part for size in sizes for part in (size // 3, size - size // 3)]):
        heard += len(packet)
        if listen(kept, packet) is not None:
            positions.append(hops(heard))
    assert positions == sorted(set(positions))
    if all(size - size // 3 <= HOP for size in sizes):
        assert positions == list(range(1, hops(heard) + 1))


def test_a_question_carries_what_was_not_told(kept):
    listen(kept, SAID[:1500])
    assert listen(kept, SAID[1500:1700]) is None
    question = kept.add_request(asked(1, 1))
    assert np.array_equal(question.last_audio.samples, SAID[1500:1700])
    assert not question.last_audio.first


def test_a_question_about_a_short_turn_carries_all_of_it(kept):
    listen(kept, SAID[:300])
    question = kept.add_request(asked(1, 1))
    assert np.array_equal(question.last_audio.samples, SAID[:300])
    assert question.last_audio.first


def test_a_question_about_nothing_that_is_kept_is_not_asked(kept):
    assert kept.add_request(asked(1, 1)) is None


def test_words_so_far_go_to_whoever_listens(kept):
    heard = []
    kept.add_audio("s", FeedEncoder(1, "customer", 0, SAID[:10], True), heard.append)
    kept.deliver_partial(KEY, "hello")
    kept.deliver_partial(("s", 2), "nobody listens")
    kept.discard_turn(KEY)
    kept.deliver_partial(KEY, "too late")
    assert heard == ["hello"]


# -- telling again -----------------------------------------------------------------------------


def test_everything_is_told_again_from_the_first_sample(kept):
    listen(kept, SAID[:2500])
    listen(kept, SAID[2500:2600])
    listen(kept, SAID[:1500], stream=2)
    kept.add_request(asked(1, 2))
    kept.add_request(asked(2, text="hello"))
    listen(kept, SAID[:9], stream=1, session="other")
    kept.add_request(asked(3, 1, "other"))
    kept.remove_answered(3, b"a voice")
    (known, going_on, spoken, typed), given_up = kept.resend_all()
    assert given_up == []
    assert known == RestoreCaller("other", b"a voice")
    assert np.array_equal(going_on.samples, SAID[:2600])
    assert np.array_equal(spoken.last_audio.samples, SAID[:1500])
    assert going_on.first
    assert spoken.last_audio.first
    assert (spoken.id, typed.id, typed.effect.text) == (1, 2, "hello")


def test_a_turn_told_again_goes_on_where_that_ended(kept):
    listen(kept, SAID[:2500])
    kept.resend_all()
    assert listen(kept, SAID[2500:2600]) is None
    further = listen(kept, SAID[2600:3200])
    assert np.array_equal(further.samples, SAID[2500:3200])
    assert not further.first


def test_a_turn_not_yet_told_is_told_by_what_tells_everything(kept):
    listen(kept, SAID[:10])
    (sound,), _ = kept.resend_all()
    assert isinstance(sound, AudioChunk)
    assert np.array_equal(sound.samples, SAID[:10])


def test_what_was_lost_is_told_again_alone(kept):
    listen(kept, SAID[:1500])
    listen(kept, SAID[:1500], stream=2)
    kept.add_request(asked(1, 2))
    kept.add_request(asked(2, text="hello"))
    tell, given_up = kept.resend((KEY, ("s", 2)), (1, 2), isolated=True)
    assert given_up == []
    assert [one.isolated for one in tell] == [True] * 3
    assert tell[1].last_audio.isolated
    assert listen(kept, SAID[1500:2500]).isolated


def test_what_nobody_keeps_is_not_told_again(kept):
    assert kept.resend((KEY,), (1,), isolated=True) == ([], [])


def lose(kept, keys, questions):
    return [kept.resend(keys, questions, isolated=True) for _ in range(MAX_TRIES)][-1]


def test_a_turn_lost_twice_is_given_up_with_its_question(kept):
    listen(kept, SAID[:1500])
    kept.add_request(asked(4, 1))
    assert lose(kept, (KEY,), (4,)) == ([], [4])
    assert len(kept) == 0


def test_a_typed_question_lost_twice_is_given_up(kept):
    kept.add_request(asked(4, text="hello"))
    assert lose(kept, (), (4,)) == ([], [4])
    assert kept.resend_all() == ([], [])


def test_a_turn_given_up_before_it_was_asked_about_is_not_asked_about(kept):
    listen(kept, SAID[:1500])
    assert lose(kept, (KEY,), ()) == ([], [])
    assert kept.add_request(asked(4, 1)) is None


def test_a_turn_given_up_stays_given_up_when_its_customer_talks_on(kept):
    listen(kept, SAID[:1500])
    lose(kept, (KEY,), ())
    assert listen(kept, SAID[1500:4000]) is None
    assert kept.add_request(asked(4, 1)) is None
    assert len(kept) == 0


# -- what is over ------------------------------------------------------------------------------


def test_what_was_answered_forgotten_or_left_leaves_nothing(kept):
    for stream in range(5):
        listen(kept, SAID[:1500], stream=stream)
    listen(kept, SAID[:1500], session="other")
    kept.add_request(asked(1, 0))
    kept.remove_answered(1, b"a voice")
    kept.discard_turn(("s", 1))
    kept.add_request(asked(2, 2))
    kept.remove_request(asked(2, 2))
    kept.add_request(asked(3, text="hello"))
    kept.remove_request(asked(3, text="hello"))
    kept.add_request(asked(4, text="hello"))
    kept.remove_answered(4, None)
    assert kept.end_session("s") == [("s", 3), ("s", 4)]
    assert len(kept) == 1  # the other session's
    assert kept.end_session("other") == [("other", 1)]
    assert len(kept) == 0
    assert kept.resend_all() == ([], [])


def test_an_answer_that_teaches_nothing_leaves_what_was_known_of_the_caller(kept):
    for number, caller in ((1, b"a voice"), (2, None)):
        listen(kept, SAID[:10], stream=number)
        kept.add_request(asked(number, number))
        kept.remove_answered(number, caller)
    assert kept.resend_all() == ([RestoreCaller("s", b"a voice")], [])


def test_an_answer_to_somebody_who_left_teaches_nothing(kept):
    listen(kept, SAID[:10])
    kept.add_request(asked(1, 1))
    kept.end_session("s")
    kept.remove_answered(1, b"a voice")
    assert kept.resend_all() == ([], [])
