"""Numbers that no database, codec or clock could hold are refused where they come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.event_json import EventFormatError, event_from_json
from agent.core.json_reading import MAX_INTEGER, JsonNumberError, read_json


@given(st.integers())
def test_a_whole_number_is_read_or_refused(number):
    if abs(number) <= MAX_INTEGER:
        assert read_json(f'{{"a": [{number}]}}') == {"a": [number]}
        return
    with pytest.raises(JsonNumberError, match=str(MAX_INTEGER)):
        read_json(f'{{"a": [{number}]}}')


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "NaN", "Infinity", "-Infinity", "1" + "0" * 5000]
)
def test_what_is_no_number_of_ours_is_refused(number):
    with pytest.raises(JsonNumberError):
        read_json(f"[{number}]")


def test_what_is_nested_too_deeply_is_refused_in_words():
    with pytest.raises(ValueError, match="nested"):
        read_json("[" * 100_000)


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"Typed","at":1e12,"text":"hi"}',
        '{"type":"Typed","at":-1,"text":"hi"}',
        '{"type":"Resumed","at":1.0,"missed":-512}',
        '{"type":"Resumed","at":1.0,"missed":9223372036854775808}',
        '{"type":"Played","at":1.0,"turn":-1,"ms":3}',
    ],
)
def test_an_input_with_a_number_out_of_bounds_is_none(line):
    with pytest.raises(EventFormatError):
        event_from_json(line)
