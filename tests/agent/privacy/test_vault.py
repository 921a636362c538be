"""Private values go in, are nowhere else, and come out where they are needed and only there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import customer_messages as m
from agent.core.event_json import event_from_json, event_to_json
from agent.core.inputs import (
    ActionCompleted,
    DigitsReceived,
    PartialTextReceived,
    PersonEndedSession,
    PersonTextReceived,
    TextReceived,
    TurnUnderstood,
)
from agent.privacy.vault import SealError, Vault
from audio.types import Expectation, Transcript, Word
from dialogs.values import (
    ActionCall,
    ActionResult,
    Evidence,
    FurtherRequest,
    Reply,
    Slot,
    Understanding,
)
from tests.support.packs import bank_pack

PACK = bank_pack()
OPEN = Expectation()
NUMBER = Expectation("digits", 6)
PASSCODE = Expectation("digits", 4)
CARD = "4111 1111 1111 1111"
SAID = "four one one one one one one one one one one one one one one one"


def vault():
    return Vault(PACK, bytes(range(32)))


def typed(kept, text, asked=OPEN):
    return kept.pseudonymise(TextReceived(1.0, text), asked).event.text


def shown(kept, kind, text):
    """What the customer's own connection gets of a message that says `text`."""
    match kind:
        case "transcript":
            message = m.FinalTranscript(1, "customer", Transcript(text, 0.9), None)
            return kept.reveal_in_message(message).transcript.text
        case "reply":
            return kept.reveal_in_message(m.BotReply(1, Reply(text))).reply.text
        case "partial":
            return kept.reveal_in_message(m.InterimTranscript(1, "customer", text)).text
        case "agent":
            return kept.reveal_in_message(m.PersonText("Dana", text)).text
    raise AssertionError(kind)


# -- words that are typed ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("4471 is my passcode", "4471"),
        ("it's 44 71", "44 71"),
        ("four four seven one is my passcode", "four four seven one"),
        ("i am 100421 hello", "100421"),
    ],
)
def test_what_may_be_a_secret_is_replaced_whether_or_not_it_fills_a_slot(text, secret):
    """Summaries, notes and evidence quote the session's words and rely on this."""
    hidden = typed(vault(), text)
    assert secret not in hidden
    assert len(hidden.split()) == len(text.split())


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"my card is {CARD}, thanks", CARD),
        ("my card is 4111-1111-1111-1111", "4111-1111-1111-1111"),
        (f"it is {SAID} okay", SAID),
        ("my ssn is 123-45-6789", "123-45-6789"),
        ("write to Jane.Doe@example.com please", "Jane.Doe@example.com"),
        ("write to jane dot doe at example dot com please", "jane dot doe at example dot com"),
        ("call (212) 555-0187 today", "(212) 555-0187"),
        ("take 4111 uh 1111, then 1111 1111", "4111 uh 1111, then 1111 1111"),
        ("my customer number is double one oh four two one", "double one oh four two one"),
    ],
)
def test_what_is_private_is_replaced_in_its_shape_and_shown_to_its_owner(text, secret):
    kept = vault()
    (one,) = kept.pseudonymise(TextReceived(1.0, text), OPEN).redactions
    hidden = typed(kept, text)
    covered = hidden[one.start : one.end]
    assert secret not in hidden
    assert hidden == text.replace(secret, covered)
    for kind in ("reply", "transcript", "agent"):
        assert shown(kept, kind, f"So: {hidden}") == f"So: {text}"


def test_what_is_written_in_groups_stays_in_groups():
    assert [letter for letter in typed(vault(), CARD) if not letter.isdigit()] == [" "] * 3


def test_the_same_value_has_the_same_surrogate_however_it_is_said():
    kept = vault()
    digits = {
        "".join(letter for letter in typed(kept, text) if letter.isdigit())
        for text in (CARD, CARD.replace(" ", ""), CARD.replace(" ", "-"))
    }
    assert len(digits) == 1


def test_what_is_not_private_is_the_same_input():
    event = TextReceived(1.0, "transfer 250 dollars to savings")
    assert vault().pseudonymise(event, OPEN).event is event


def test_two_numbers_in_one_breath_are_two_numbers_for_the_bank():
    kept = vault()
    hidden = typed(kept, "1004214471")
    call = {"customer_number": hidden[:6], "passcode": hidden[6:]}
    told = kept.reveal_in_call(ActionCall("k", "verify_customer", call)).arguments
    assert told == {"customer_number": "100421", "passcode": "4471"}
    assert shown(kept, "transcript", hidden) == "1004214471"
    assert shown(kept, "reply", hidden) == f"100421{hidden[6:]}"


def test_a_code_is_shown_in_its_owners_words_only():
    kept = vault()
    hidden = typed(kept, "4471", PASSCODE)
    assert hidden != "4471"
    assert shown(kept, "transcript", hidden) == "4471"
    assert shown(kept, "reply", f"That is {hidden} dollars.") == f"That is {hidden} dollars."


pieces = st.one_of(
    st.sampled_from(
        [CARD, SAID, "a@b.com", "123-45-6789", "is", "my", "and", "transfer 20 dollars"]
    ),
    st.from_regex(r"[0-9]{6,12}", fullmatch=True),
    st.sampled_from(["Please", "(212) 555-0187", "?", "  ", "\u0664\u0661\u0661\u0661"]),
)


@given(st.lists(pieces, max_size=6).map(" ".join))
def test_the_owner_sees_exactly_what_was_typed(text):
    kept = vault()
    assert shown(kept, "transcript", typed(kept, text)) == text


@given(st.lists(pieces, max_size=6).map(" ".join))
def test_what_was_hidden_once_stays_as_it_is(text):
    kept = vault()
    hidden = typed(kept, text)
    assert kept.has_unsealed_changes == bool(text != hidden)
    kept.seal("t")
    assert kept.pseudonymise(PersonTextReceived(2.0, "Dana", hidden), OPEN).event.text == hidden
    result = Understanding(hidden, "inform", 0.9)
    assert (
        kept.pseudonymise(TurnUnderstood(3.0, 1, result), OPEN).event.understanding.text == hidden
    )
    assert not kept.has_unsealed_changes


# -- keys, and words of others -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("digits", "asked", "private"),
    [
        ("100421#", NUMBER, True),
        ("4471", PASSCODE, True),
        ("447#", OPEN, True),
        ("4111111111111111", OPEN, True),
        ("1", OPEN, False),
        ("2#", Expectation("choice"), False),
        ("2500", Expectation("amount"), False),
        ("*", OPEN, False),
        ("", OPEN, False),
    ],
)
def test_keys_that_are_a_number_are_hidden(digits, asked, private):
    kept = vault()
    hidden = kept.pseudonymise(DigitsReceived(1.0, digits), asked).event.digits
    assert (hidden != digits) == private
    assert len(hidden) == len(digits)
    assert shown(kept, "transcript", hidden) == digits


def test_a_person_may_name_a_surrogate_and_the_customer_reads_the_number():
    kept = vault()
    hidden = typed(kept, CARD)
    said = kept.pseudonymise(
        PersonTextReceived(2.0, "Dana", f"Is {hidden} right, and 5500 0000 0000 0004?"), OPEN
    )
    assert f"Is {hidden} right" in said.event.text
    assert "5500" not in said.event.text
    assert shown(kept, "agent", said.event.text) == f"Is {CARD} right, and 5500 0000 0000 0004?"


def test_what_a_person_writes_at_the_end_is_hidden_too():
    done = vault().pseudonymise(PersonEndedSession(2.0, "Dana", f"new card {CARD}"), OPEN).event
    assert CARD not in done.outcome


def test_words_that_grow_are_hidden_from_their_third_digit_and_then_forgotten():
    kept = vault()
    for words in ("four one one", "four one one one one one", SAID):
        hidden = kept.pseudonymise(PartialTextReceived(1.0, 1, words), NUMBER).event.text
        assert hidden != words
        assert shown(kept, "partial", hidden) == words
    assert not kept.has_unsealed_changes
    kept.pseudonymise(PartialTextReceived(1.1, 1, "never mind"), NUMBER)
    assert shown(kept, "partial", hidden) == hidden


# -- what was understood -----------------------------------------------------------------------


def spoken(text, at=1000, each=4000):
    words = text.split()
    timed = tuple(Word(one, at + i * each, at + (i + 1) * each, 0.9) for i, one in enumerate(words))
    return Transcript(text, 0.9, timed)


def understood(text, slots=(), also=(), evidence=(), heard=True):
    result = Understanding(
        text, "inform", 0.9, slots=tuple(slots), also=tuple(also), evidence=tuple(evidence),
        trouble_evidence=tuple(evidence),
    )  # fmt: skip
    return TurnUnderstood(5.0, 1, result, spoken(text) if heard else None)


def test_nothing_of_an_answer_says_what_was_said():
    kept = vault()
    text = "my number is one oh oh four two one and my card four one one one please"
    card = Slot("digits", "4111", "four one one one")
    event = understood(
        text,
        [Slot("customer_number", "100421", "one oh oh four two one"), Slot("name", "Bo", "bo")],
        [FurtherRequest("my card four one one one please", "ask", 0.9, (card,))],
        [Evidence("words", 1.0, 1, 1.0, "my number is one oh oh four two one")],
    )  # fmt: skip
    hidden = kept.pseudonymise(event, NUMBER)
    line = event_to_json(hidden.event)
    for secret in ("100421", "4111", "one oh oh", "four one one"):
        assert secret not in line, line
    assert event_from_json(line) == hidden.event
    number, name = hidden.event.understanding.slots
    assert (len(number.value), name) == (6, Slot("name", "Bo", "bo"))
    assert number.said in hidden.event.understanding.text
    assert number.said in hidden.event.understanding.evidence[0].detail
    assert (
        hidden.event.understanding.also[0].slots[0].said in hidden.event.understanding.also[0].text
    )
    assert shown(kept, "transcript", hidden.event.transcript.text) == text


def test_words_in_time_are_replaced_in_their_place():
    kept = vault()
    hidden = kept.pseudonymise(understood("yes one oh oh four two one thanks"), NUMBER)
    words = hidden.event.transcript.words
    assert (words[0].text, words[-1].text) == ("yes", "thanks")
    assert " ".join(word.text for word in words) == hidden.event.transcript.text
    (one,) = [r for r in hidden.redactions if r.where == "transcript"]
    assert (one.from_sample, one.to_sample) == (words[1].start, words[6].end)
    assert all(a.end == b.start for a, b in zip(words, words[1:], strict=False))
    message = m.FinalTranscript(1, "customer", hidden.event.transcript, None)
    told = kept.reveal_in_message(message).transcript
    assert " ".join(word.text for word in told.words) == told.text
    assert told.text == "yes one oh oh four two one thanks"


def test_a_number_of_which_nobody_knows_when_it_was_said_has_no_place():
    result = understood("one oh oh four two one").understanding
    event = TurnUnderstood(5.0, 1, result, Transcript("one oh oh four two one", 0.9))
    found = vault().pseudonymise(event, NUMBER).redactions
    assert [r.to_sample for r in found if r.where == "transcript"] == [0]


def test_a_number_known_only_from_a_slot_has_no_place():
    event = understood("uh", [Slot("passcode", "4471", "")])
    hidden = vault().pseudonymise(event, PASSCODE)
    assert hidden.event.understanding.slots[0].value != "4471"
    assert [r.to_sample for r in hidden.redactions if r.where == "transcript"] == [0]


@pytest.mark.parametrize("value", ["100421.00", "100421"])
def test_a_number_that_was_taken_for_something_else_is_hidden_there_too(value):
    kept = vault()
    hidden = kept.pseudonymise(
        understood("one oh oh four two one", [Slot("amount", value, "")]), NUMBER
    )
    assert "100421" not in event_to_json(hidden.event)


def test_an_amount_is_left_as_it_is():
    event = understood("send five hundred dollars", [Slot("amount", "500.00", "five hundred")])
    assert vault().pseudonymise(event, OPEN).event is event


def test_an_answer_about_typed_words_is_not_hidden_again():
    kept = vault()
    hidden = typed(kept, "100421", NUMBER)
    event = understood(hidden, [Slot("customer_number", hidden, hidden)], heard=False)
    assert kept.pseudonymise(event, NUMBER).event is event


# -- what the bank is told, and tells ----------------------------------------------------------


def test_the_bank_is_told_the_real_values():
    kept = vault()
    number, code = typed(kept, "100421", NUMBER), typed(kept, "4471", PASSCODE)
    call = ActionCall("k", "verify_customer", {"customer_number": number, "passcode": code})
    assert kept.reveal_in_call(call).arguments == {"customer_number": "100421", "passcode": "4471"}
    other = ActionCall("k", "transfer_money", {"amount": code, "note": f"for {number}"})
    assert kept.reveal_in_call(other).arguments == {"amount": code, "note": "for 100421"}


def test_what_the_bank_answers_is_hidden_where_it_is_private():
    kept = vault()
    number = typed(kept, "100421", NUMBER)
    values = {
        "customer": "100421", "mail": "jane@example.com", "card": CARD, "ssn": "123-45-6789",
        "phone": "212-555-0187", "balance": "2500.00", "day": "2026-11-24", "reference": "TR-1234",
    }  # fmt: skip
    event = kept.pseudonymise(ActionCompleted(2.0, ActionResult("k", True, values)), OPEN).event
    told = event.outcome.values
    assert told["customer"] == number
    assert [name for name in values if told[name] == values[name]] == [
        "balance",
        "day",
        "reference",
    ]
    for name in ("mail", "card", "ssn", "phone"):
        assert shown(kept, "reply", told[name]) == values[name]
    again = kept.pseudonymise(ActionCompleted(3.0, event.outcome), OPEN).event.outcome
    assert again == event.outcome


# -- at rest -----------------------------------------------------------------------------------


def test_a_sealed_vault_opens_with_its_token_alone():
    kept = vault()
    hidden = typed(kept, f"{SAID} or a@b.com")
    assert kept.has_unsealed_changes
    sealed = kept.seal("token")
    assert not kept.has_unsealed_changes
    assert "4111" not in sealed
    opened = Vault.unseal(PACK, sealed, "token")
    assert not opened.has_unsealed_changes
    assert shown(opened, "transcript", hidden) == f"{SAID} or a@b.com"
    assert typed(opened, "9876543210") == typed(kept, "9876543210")
    for broken, token in ((sealed, "another"), (sealed[:-4], "token"), ("", "token"), ("x", "t")):
        with pytest.raises(SealError):
            Vault.unseal(PACK, broken, token)
