"""What differs is named once, what does not is not, and the first comes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.replay.diff import MODEL_TOLERANCE, compare_decisions, later_changes_text

INTENT = {"kind": "intent", "turn": 2, "intent": "pay_bill", "confidence": 0.9}
REPLY = {"kind": "reply", "turn": 2, "text": "Hello.", "flow": "", "step": "greeting"}
SLOT = {"kind": "slot", "turn": 2, "name": "amount", "value": "20.00"}
CALL = {"kind": "escalation", "turn": 2, "rule": "risky_intent", "probability": 0.8, "id": 1}
HUSH = {"kind": "hush", "turn": 4}

decided = st.lists(
    st.tuples(st.just(1.0), st.sampled_from([INTENT, REPLY, SLOT, CALL, HUSH])), max_size=12
)


def timed(*decisions):
    return [(float(at), one) for at, one in enumerate(decisions)]


@given(decided)
def test_the_same_does_not_differ(some):
    assert compare_decisions(some, some) == []


@given(decided, decided)
def test_whatever_differs_is_found(before, after):
    found = compare_decisions(before, after)
    assert bool(found) == ([one for _, one in before] != [one for _, one in after])
    assert len(before) + sum(one.change_type == "new" for one in found) == len(after) + sum(
        one.change_type == "gone" for one in found
    )


def test_numbers_of_turns_and_questions_are_names():
    later = [one | {"turn": 7, "ask": 3, "id": 2} for one in (INTENT, CALL)]
    assert compare_decisions(timed(INTENT, CALL), timed(*later)) == []


def test_one_slot_less_leaves_the_others_alone():
    found = compare_decisions(timed(INTENT, SLOT, REPLY), timed(INTENT, REPLY))
    assert [(one.change_type, one.kind) for one in found] == [("gone", "slot")]
    assert str(found[0]) == 'turn 2 at 0:01.0, slot is gone: name "amount", value "20.00"'


def test_only_what_differs_of_a_decision_is_told():
    (found,) = compare_decisions(timed(SLOT), timed(SLOT | {"value": "30.00"}))
    assert str(found) == 'turn 2 at 0:00.0, slot amount: value: "20.00" -> "30.00"'


def test_one_reply_in_the_place_of_another_has_changed():
    other = REPLY | {"step": "goodbye", "text": "Bye."}
    (found,) = compare_decisions(timed(INTENT, REPLY), timed(INTENT, other))
    assert found.change_type == "changed"
    assert dict(found.fields) == {
        "text": ("Hello.", "Bye."),
        "step": ("greeting", "goodbye"),
    }


def test_models_may_differ_a_little():
    near, far = INTENT | {"confidence": 0.915}, INTENT | {"confidence": 0.93}
    assert compare_decisions(timed(INTENT), timed(near), MODEL_TOLERANCE) == []
    assert len(compare_decisions(timed(INTENT), timed(near))) == 1
    assert len(compare_decisions(timed(INTENT), timed(far), MODEL_TOLERANCE)) == 1


def test_turns_may_end_a_little_later():
    turn = {"kind": "turn", "turn": 2, "leg": "customer", "until": 16_000, "ask": 1}
    assert compare_decisions(timed(turn), timed(turn | {"until": 18_000}), MODEL_TOLERANCE) == []
    assert (
        len(compare_decisions(timed(turn), timed(turn | {"until": 22_000}), MODEL_TOLERANCE)) == 1
    )


def test_what_followed_is_counted():
    found = compare_decisions(
        timed(INTENT, REPLY, REPLY, CALL), timed(INTENT | {"intent": "inform"})
    )
    assert later_changes_text(found) == "2 replies gone, 1 escalation gone"
