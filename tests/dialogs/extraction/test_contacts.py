"""Numbers and addresses to be reached at, as customers write and say them."""

from __future__ import annotations

import pytest

from dialogs.extraction.contacts import find_contact

CONTACTS = {
    "415 555 0123": "4155550123",
    "(415) 555-0123": "4155550123",
    "call me on +1 415-555-0123 please": "+14155550123",
    "415.555.0123": "4155550123",
    "yes, 4155550123": "4155550123",
    "four one five five five five oh one two three": "4155550123",
    "four one five, five five five, zero one two three": "4155550123",
    "plus four four two oh seven nine four six oh oh oh oh": "+442079460000",
    "415-555-0123, or 415-555-0199": "4155550123",
    "Jane.Doe@Example.com": "jane.doe@example.com",
    "write to jane.doe@example.com.": "jane.doe@example.com",
    "jane dot doe at gmail dot com": "jane.doe@gmail.com",
    "jane underscore doe at mail dot example dot org": "jane_doe@mail.example.org",
    "jane (at) example dot com": "jane@example.com",
    "abcdefgh at redacted dot invalid": "abcdefgh@redacted.invalid",
}


@pytest.mark.parametrize("said", CONTACTS)
def test_a_contact_in_normal_form(said):
    contact = find_contact(said)
    assert contact is not None
    assert contact.value == CONTACTS[said]
    assert contact.is_address == ("@" in CONTACTS[said])


@pytest.mark.parametrize(
    "said", ["", "no", "12345", "at ten", "tomorrow at three", "why do you need it", "you have it"]
)
def test_other_words_are_no_contact(said):
    assert find_contact(said) is None
