from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.understanding.turn_understanding import TurnUnderstanding, WeightsError
from audio.types import AcousticCues, Expectation, Prosody, Spoken, Transcript
from dialogs.values import NOTHING_HEARD
from tests.support.packs import bank_pack

WEIGHTS = Path(__file__).parents[3] / "agent" / "weights"
TODAY = date(2026, 3, 2)
OPEN = Expectation()
YES_NO = Expectation("yes_no")

pytestmark = pytest.mark.model


@cache
def mind():
    return TurnUnderstanding.load(bank_pack(), WEIGHTS)


def ask(text, expect=OPEN, spoken=None, context=""):
    return mind().understand(text, spoken, expect, TODAY, 1, 2.0, context)


def said(text, confidence=0.9, emotion=None, reliability=0.9):
    prosody = Prosody(200.0, 5.0, -18.0, 4.0, 0.1, 2.0)
    cues = AcousticCues(emotion, 0.6, 0.3, prosody, 2.0, reliability) if emotion else None
    return Spoken(Transcript(text, confidence), cues)


@settings(deadline=None)  # the first one loads the weights
@given(
    text=st.text(max_size=80),
    kind=st.sampled_from(["open", "yes_no", "digits", "amount", "date", "name", "choice"]),
)
def test_any_text_is_understood_as_something(text, kind):
    understood = ask(text, Expectation(kind, 4, ("checking", "savings")))
    assert understood.intent in mind().pack.intents or understood.intent == NOTHING_HEARD
    assert 0.0 <= understood.confidence <= 1.0
    assert 0.0 <= understood.upset <= 1.0
    assert ask(text, Expectation(kind, 4, ("checking", "savings"))) == understood


@pytest.mark.parametrize("text", ["", "  ", "[noise]", "..."])
def test_nothing_heard_is_never_calm(text):
    understood = ask(text)
    assert understood.intent == NOTHING_HEARD
    assert understood.sentiment is None
    assert understood.upset + understood.upset_spread > 0.4


@pytest.mark.parametrize(
    ("text", "expect", "intent"),
    [
        ("yes", YES_NO, "affirm"),
        ("yeah that's right", YES_NO, "affirm"),
        ("no", YES_NO, "deny"),
        ("nope", OPEN, "deny"),
        ("4021", OPEN, "inform"),
        ("one zero zero four two one", Expectation("digits", 6), "inform"),
        ("fifty dollars", Expectation("amount"), "inform"),
        ("next friday", Expectation("date"), "inform"),
        ("savings", Expectation("choice", 0, ("checking", "savings")), "inform"),
        ("tuesday", OPEN, "inform"),
        ("добрый день", OPEN, "out_of_scope"),
        ("from my savings to checking", OPEN, "inform"),
        ("no that's all for today thank you", OPEN, "goodbye"),
        ("to my savings", Expectation("choice", 0, ("checking", "savings")), "inform"),
        ("no, the savings account", OPEN, "deny"),
        ("actually i lost my card", YES_NO, "report_lost_card"),
        ("no i want to report a lost card", YES_NO, "report_lost_card"),
        ("wait what is my checking balance", Expectation("digits", 4), "check_balance"),
    ],
)
def test_what_was_asked_decides_what_words_leave_open(text, expect, intent):
    understood = ask(text, expect)
    assert understood.intent == intent
    assert understood.confidence > 0.6


def test_the_task_in_hand_is_confirmed_and_not_begun_again():
    text = "yes please go ahead and transfer the money"
    assert ask(text, YES_NO, context="transfer_money/confirm").intent == "affirm"


def test_a_corrected_value_is_found():
    understood = ask("no, the savings account")
    assert any(slot.value == "savings" for slot in understood.slots)


def test_a_doubtful_transcript_lowers_confidence_but_leaves_the_keyword():
    text = "i lost my debit card"
    sure, typed = ask(text, spoken=said(text, 0.95)), ask(text)
    doubtful = ask(text, spoken=said(text, 0.2))
    assert doubtful.intent == sure.intent == "report_lost_card"
    assert 0.0 < doubtful.confidence < sure.confidence <= typed.confidence
    assert doubtful.heard == 0.2
    assert doubtful.upset_spread > sure.upset_spread


def test_mood_is_evidence_from_words_and_voice():
    text = "this is ridiculous i have called three times"
    angry = {"angry": 0.8, "neutral": 0.2}
    typed = ask(text)
    heard = ask(text, spoken=said(text, 0.9, angry))
    assert typed.upset > 0.5
    assert heard.upset > typed.upset
    assert heard.upset_spread < typed.upset_spread
    terms = {evidence.term.split(":")[0] for evidence in heard.evidence}
    assert terms == {"usual customer", "word", "words", "voice"}
    assert heard.sentiment < 0.0


def test_who_answered_is_told():
    understood = ask("hello")
    assert set(understood.models) == {"intent", "feeling", "fusion", "context", "language"}
    assert "safetensors" in understood.models["intent"]


def test_weights_for_another_pack_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="train understanding"):
        TurnUnderstanding.load(bank_pack(), tmp_path)


def test_two_requests_are_understood_in_order_each_with_its_values():
    understood = ask("pay forty dollars to the gas company and then move $15 to savings")
    assert understood.intent == "pay_bill"
    (further,) = understood.also
    assert further.intent == "transfer_money"
    amounts = [{s.value for s in slots} for slots in (understood.slots, further.slots)]
    assert "40.00" in amounts[0]
    assert "15.00" in amounts[1]
    assert "15.00" not in amounts[0]


def test_yes_and_more_is_a_yes_where_something_was_to_be_confirmed():
    agreed = ask("yes and tell me my balance", YES_NO, context="transfer_money/confirm")
    assert agreed.intent == "affirm"
    assert [one.intent for one in agreed.also] == ["check_balance"]
    elsewhere = ask("yes, tell me my balance", YES_NO, context="/more")
    assert elsewhere.intent == "check_balance"
    assert elsewhere.also == ()


def test_further_requests_are_no_surer_than_their_transcript():
    text = "block my card and tell me my balance"
    clear, unclear = ask(text, spoken=said(text, 0.95)), ask(text, spoken=said(text, 0.05))
    assert unclear.also[0].confidence < clear.also[0].confidence


def test_what_is_clear_has_one_possible_intent_and_what_is_not_may_have_more():
    assert ask("what is my balance").possible == ("check_balance",)
    assert ask("what is my balance", YES_NO).possible == ()
    unclear = ask("there is something about the card")
    assert unclear.possible[0] in mind().pack.intents
