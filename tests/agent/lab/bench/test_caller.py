"""What a caller says and when, and which turn an answer belongs to. Turns of 2 s, 1.6 s between."""

from __future__ import annotations

import json
from itertools import islice, repeat
from random import Random

import pytest

from agent.lab.bench.simulated_call import ANSWER_TIMEOUT_S, SimulatedCall, random_turns
from tests.agent.lab.bench.loads import NOISE, plan, turn

START = 50.0
CYCLE = 180  # packets: 100 of a turn, 80 of silence


def call(**more):
    load = plan()
    return SimulatedCall(load, repeat((turn(100), load.noise_packets_after(100))), START, **more)


def sent(one, packets):
    return [one.next_packet() for _ in range(packets)]


def hear(one, at, *messages):
    for message in messages:
        one.receive(json.dumps(message).encode(), at)


def understood(one, number, end_s, at):
    transcript = {"type": "transcript", "turn": number, "text": "yes", "turn_end": end_s}
    hear(one, at, transcript, {"type": "understanding", "turn": number, "intent": "affirm"})


def counted(one, begin=0.0, end=1000.0):
    return list(one.counted_turns(begin, end))


def test_turns_and_noise_follow_each_other_at_their_times():
    one = call()
    packets = sent(one, 2 * CYCLE)
    assert packets[:100] == packets[CYCLE : CYCLE + 100] == list(turn(100))
    assert set(packets[100:CYCLE]) == set(NOISE)
    assert one.next_due == pytest.approx(START + 2 * CYCLE * 0.02)


def test_an_answer_takes_from_when_the_packet_that_ended_its_turn_was_due():
    one = call()
    sent(one, 2 * CYCLE)
    understood(one, 2, 2.944, at=53.5)
    understood(one, 3, 3.6 + 2.96, at=57.0)
    first, second = counted(one)
    ((due, took),) = first.answers
    assert due == pytest.approx(START + one.plan.completing_packet(2.944) * 0.02)
    assert took == pytest.approx(53.5 - due)
    assert len(second.answers) == 1


def test_a_turn_that_was_cut_in_two_has_two_answers():
    one = call()
    sent(one, 150)
    understood(one, 2, 1.6, at=51.7)
    understood(one, 3, 2.944, at=53.0)
    (only,) = counted(one)
    assert len(only.answers) == 2


def test_an_understanding_of_nothing_spoken_is_no_answer():
    one = call()
    sent(one, 150)
    hear(one, 53.0, {"type": "understanding", "turn": 1, "intent": "affirm"})
    assert not counted(one)[0].is_settled


def test_a_missed_turn_is_the_oldest_without_an_answer():
    one = call()
    sent(one, CYCLE + 150)
    understood(one, 2, 2.944, at=53.0)
    hear(one, 57.0, {"type": "error", "code": "missed", "message": "Turn 3 could not be"})
    first, second = counted(one)
    assert (first.missed, second.missed) == (False, True)
    assert one.error_codes == ["missed"]


def test_partials_are_counted():
    one = call()
    hear(one, 51.0, *[{"type": "partial", "turn": 2, "text": "ye"}] * 3, {"type": "ready"})
    assert one.partial_count == 3


def test_only_turns_that_are_due_to_be_over_in_time_count():
    one = call()
    sent(one, 3 * CYCLE)
    over = [one.packet_due(spoken.last_packet) for spoken in one.spoken_turns]
    assert [round(at - START, 2) for at in over] == [3.58, 7.18, 10.78]
    assert len(counted(one, over[0], over[1])) == 2
    assert len(counted(one, over[0] + 0.1, over[2] - 0.1)) == 1


def test_a_caller_may_join_in_the_middle_of_a_turn_that_does_not_count():
    one = call(ramp=0.25)
    assert sent(one, 56)[:55] == list(turn(100))[45:]
    sent(one, 100)
    assert one.spoken_turns[1].first_packet == one.spoken_turns[0].last_packet + 1 == 0.75 * CYCLE
    assert counted(one) == [one.spoken_turns[1]]


def test_a_caller_may_join_in_a_silence():
    one = call(ramp=0.75)
    assert set(sent(one, 45)) <= set(NOISE)
    assert sent(one, 100) == list(turn(100))


def test_an_answer_is_waited_for_but_not_for_ever():
    one = call()
    sent(one, CYCLE + 20)
    over = one.packet_due(one.spoken_turns[0].last_packet)
    assert one.is_awaiting_answer(over, over + 1)
    assert not one.is_awaiting_answer(over - 0.1, over + 1)  # that turn does not count
    assert not one.is_awaiting_answer(over, over + ANSWER_TIMEOUT_S)
    understood(one, 2, 2.944, at=over)
    assert not one.is_awaiting_answer(over, over + 1)


def test_a_goodbye_in_the_middle_of_a_turn_leaves_nothing_unanswered():
    one = call()
    sent(one, CYCLE + 20)
    understood(one, 2, 2.944, at=53.0)
    one.ended_at = 54.0
    assert counted(one) == [one.spoken_turns[0]]
    assert not one.is_awaiting_answer(1000.0, 58.0)


def test_a_visitor_is_through_when_the_one_turn_was_answered():
    one = call(visitor=True)
    over = one.packet_due(one.spoken_turns[0].last_packet)
    assert not one.is_first_turn_done(over + 1)
    assert one.is_first_turn_done(over + ANSWER_TIMEOUT_S)
    understood(one, 2, 2.944, at=53.0)
    assert not one.is_first_turn_done(over - 0.1)
    assert one.is_first_turn_done(over + 0.1)


def test_the_same_chance_says_the_same():
    load = plan(talk=0.5)
    turns = [turn(n) for n in (50, 100, 150)]
    said = [list(islice(random_turns(load, turns, Random(seed)), 20)) for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]
    assert all(noise == load.noise_packets_after(len(words)) for words, noise in said[0])
