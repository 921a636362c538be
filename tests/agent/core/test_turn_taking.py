"""One leg's turns: numbers, positions and levels that do not depend on packets."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.effects import DiscardTurn, FeedEncoder, NotifyClient
from agent.core.inputs import AudioReceived
from agent.core.turn_taking import LegTurnDiscarded, LegTurnEnded, LegTurnStarted, LegTurnTaking
from audio.turns import TurnRules
from audio.turns import hop_count as hops_in
from audio.types import VOICE_HOP

WORDS = [0.0] * 10 + [0.9] * 20 + [0.0] * 40 + [0.9] * 3 + [0.0] * 40 + [0.9] * 30 + [0.0] * 40


def heard(hops, level=0.1):
    samples = np.full(len(hops) * VOICE_HOP, level, np.float32)
    return AudioReceived(1.0, "customer", samples, tuple(hops))


def follow(packets, level=0.1):
    leg = LegTurnTaking("customer", TurnRules(), count(1).__next__)
    return [
        change for hops in packets for change in leg.push(heard(hops, level), infer_emotion=True)
    ]


def summary(changes):
    """What happened, with the audio of each turn added up."""
    fed, out = {}, []
    for change in changes:
        if isinstance(change, FeedEncoder):
            first, length = fed.get(change.stream, (change.start, 0))
            assert change.start == first + length
            fed[change.stream] = (first, length + len(change.samples))
        else:
            out.append(change)
    return fed, out


def test_a_turn_begins_is_heard_and_ends():
    fed, changes = summary(follow([WORDS]))
    kinds = [type(change) for change in changes if not isinstance(change, NotifyClient)]
    assert kinds[0] is LegTurnStarted
    assert kinds.count(LegTurnEnded) == 2
    assert {LegTurnStarted, LegTurnEnded, DiscardTurn, LegTurnDiscarded} >= set(kinds)
    assert fed[1][0] < 10 * VOICE_HOP  # sound from before the onset belongs to the turn


@given(st.lists(st.integers(1, len(WORDS) - 1), max_size=12))
def test_nothing_depends_on_packets(cuts):
    edges = [0, *sorted(set(cuts)), len(WORDS)]
    packets = [WORDS[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert summary(follow(packets)) == summary(follow([WORDS]))


def test_a_turn_ends_where_its_silence_was_long_enough():
    short = [0.0] * 10 + [0.9] * 20 + [0.0] * 40
    (ended,) = [change for change in follow([short]) if isinstance(change, LegTurnEnded)]
    assert ended.end == (10 + 20 + hops_in(TurnRules().silence["open"])) * VOICE_HOP
    assert ended.voiced_s == pytest.approx(20 * 0.032)


def test_clipping_is_told_with_its_share():
    notes = [change for change in follow([WORDS], level=1.0) if isinstance(change, NotifyClient)]
    assert notes[0].code == "clipping"
    assert "100 %" in notes[0].message


def test_a_muted_line_ends_the_turn():
    leg = LegTurnTaking("customer", TurnRules(), count(1).__next__)
    leg.push(heard(WORDS[:28]), infer_emotion=True)
    assert leg.open_turn == 1
    assert any(isinstance(change, LegTurnEnded) for change in leg.end_turn())
    assert leg.open_turn == 0
