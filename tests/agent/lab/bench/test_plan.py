"""Whose packet completes what was heard, and how much of the time is speech?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lab.bench.load_plan import END_SILENCE_S
from tests.agent.lab.bench.loads import plan


def test_the_packet_that_brings_the_last_sample_completes_a_position():
    exact = plan(ahead=0)
    assert exact.completing_packet(0.02) == 0
    assert exact.completing_packet(0.032) == 1  # samples 160 to 319
    assert exact.completing_packet(0.04) == 1
    assert exact.completing_packet(0.064) == 3


def test_what_the_resampler_holds_back_may_take_another_packet():
    assert (
        plan(ahead=47).completing_packet(0.032) == 1
    )  # 256 + 47 samples of the 320 that two bring
    assert plan(ahead=65).completing_packet(0.032) == 2
    assert plan(ahead=47, packet_ms=100).completing_packet(0.096) == 1


@given(st.integers(1, 4000), st.sampled_from([10, 20, 30, 60, 100]))
def test_a_packet_is_enough_and_the_one_before_is_not(hops, packet_ms):
    load = plan(packet_ms=packet_ms)
    packet, needed = load.completing_packet(hops * 0.032), hops * 256 + load.ahead
    assert packet * load.packet_samples < needed <= (packet + 1) * load.packet_samples


@pytest.mark.parametrize("talk", [1.0, 0.8, 0.4, 0.1])
@pytest.mark.parametrize("spoken", [100, 200, 300])
def test_turn_and_its_silence_are_the_wanted_share(talk, spoken):
    load = plan(talk=talk)
    whole = spoken + load.noise_packets_after(spoken)
    assert (spoken + load.end_silence_packets) / whole == pytest.approx(talk, abs=0.005)


def test_at_full_talk_the_next_turn_follows_at_once():
    load = plan(talk=1.0)
    assert load.noise_packets_after(200) == load.end_silence_packets == round(END_SILENCE_S / 0.02)
