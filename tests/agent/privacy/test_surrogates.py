"""What stands for a value says nothing of it, is always the same, and is never a value itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from agent.privacy.surrogates import MAX_VALUES_PER_LENGTH, RESERVED_DOMAIN, Surrogates

KEY = bytes(range(32))
numbers = st.from_regex(r"[0-9]{1,20}", fullmatch=True)
values = st.one_of(st.from_regex(r"[0-9]{3,20}", fullmatch=True), st.emails().map(str.lower))


def made():
    return Surrogates(KEY)


@given(st.lists(values, max_size=30, unique=True))
def test_each_value_has_one_of_its_own_that_was_no_value_before(given_values):
    kept = made()
    for number, value in enumerate(given_values):
        surrogate = kept.surrogate_for(value)
        assert surrogate not in given_values[: number + 1]
        assert kept.surrogate_for(value) == surrogate
        assert (kept.find_surrogate(value), kept.value_of(surrogate)) == (surrogate, value)
    pairs = kept.pairs()
    assert len({surrogate for _, surrogate in pairs}) == len(pairs) == len(kept)
    assert [value for value, _ in pairs] == list(kept.values())


@given(numbers)
def test_a_number_keeps_its_length_and_is_no_year_and_no_time(number):
    surrogate = made().surrogate_for(number)
    assert len(surrogate) == len(number)
    assert surrogate.isascii()
    assert surrogate.isdigit()
    assert surrogate[0] in "3456789"


@given(st.from_regex(r"[0-9]{13,19}", fullmatch=True))
def test_a_check_digit_fits_exactly_where_it_did(number):
    assert luhn.is_valid(made().surrogate_for(number)) == luhn.is_valid(number)


def test_an_address_is_nobodys():
    assert made().surrogate_for("jane@example.com").endswith(f"@{RESERVED_DOMAIN}")


@given(values)
def test_without_the_key_it_says_nothing(value):
    other = Surrogates(bytes(32))
    if len(value) > 5:
        assert made().surrogate_for(value) != other.surrogate_for(value)
    assert made().surrogate_for(value) == made().surrogate_for(value)


def test_the_oldest_of_a_length_go_first_and_there_is_always_another():
    kept = made()
    for number in range(MAX_VALUES_PER_LENGTH + 10):
        kept.surrogate_for(f"{number:08}")
    for digit in "0123456789" * 3:
        assert kept.surrogate_for(digit) != digit
    assert kept.find_surrogate("00000000") is None
    assert kept.find_surrogate(f"{MAX_VALUES_PER_LENGTH + 9:08}") is not None
    assert len(kept) <= MAX_VALUES_PER_LENGTH + 10
