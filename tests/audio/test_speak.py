"""The voice: soon, in order, from any thread, and reading what a person would read."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from audio.resample import RATES
from audio.speak import TtsVoice, _EspeakNg, spoken_form
from audio.types import AudioError

VOICE = TtsVoice()


@pytest.mark.parametrize("rate", RATES)
def test_a_sentence_takes_the_same_time_at_every_rate(rate):
    samples = VOICE.synthesise("Your card is blocked now.", rate)
    assert samples.dtype == np.float32
    assert 1.2 < len(samples) / rate < 2.2
    assert 0.1 < np.abs(samples).max() <= 1.2


def test_the_first_sentence_does_not_wait_for_the_others():
    pieces = list(
        VOICE.synthesise_sentences("Hello, Mr. Smith. How can I help you today?\nBye!", 8_000)
    )
    assert len(pieces) == 3
    assert len(pieces[0]) == pytest.approx(
        len(VOICE.synthesise("Hello, Mr. Smith.", 8_000)), rel=0.02
    )


@pytest.mark.parametrize("text", ["", "   \n ", "...", "<b></b>", "\x00\x07", "😀"])
def test_nothing_to_say_is_no_sound(text):
    assert list(VOICE.synthesise_sentences(text, 8_000)) == []
    assert len(VOICE.synthesise(text, 8_000)) == 0


def test_threads_and_voices_take_turns():
    slow = TtsVoice("en", 100)
    asked = [(VOICE, "One moment please."), (slow, "One moment please.")] * 6
    alone = [len(voice.synthesise(text, 16_000)) for voice, text in asked[:2]]
    assert alone[1] > 1.3 * alone[0]
    with ThreadPoolExecutor(4) as threads:
        spoken = threads.map(lambda ask: len(ask[0].synthesise(ask[1], 16_000)), asked)
        assert list(spoken) == pytest.approx(alone * 6, rel=0.03)


def test_a_higher_pace_is_shorter():
    text = "Thank you for calling."
    assert len(TtsVoice("en-us", 250).synthesise(text, 8_000)) < len(
        TtsVoice("en-us", 120).synthesise(text, 8_000)
    )


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("You have <b>$1,234.56</b> now.", "You have 1,234 dollars and 56 cents now."),
        ("-$5, $1.01 or £0.01", "minus 5 dollars, 1 dollar and 1 cent or 1 penny"),
        ("from $5-$10", "from 5 dollars-10 dollars"),
        ("€2.5 million, $0", "2.5 million euros, 0 dollars"),
        ("$1234567.8", "1,234,567 dollars and 80 cents"),
        ("account 44172", "account 4 4 1, 7 2"),
        ("card ending in ****4417", "card ending in 4 4 1 7"),
        ("the card ending 4417, since 2019", "the card ending 4 4 1 7, since 2019"),
        ("card number 4111 1111 1111 1111", "card number 4 1 1 1, 1 1 1 1, 1 1 1 1, 1 1 1 1"),
        ("call +1 (202) 555-0199", "call 1, 2 0 2, 5 5 5, 0 1 9 9"),
        ("reference 1234567", "reference 1 2 3, 4 5 6 7"),
        ("in 10-12 days, 3.5 % or 12,345", "in 10-12 days, 3.5 % or 12,345"),
        ("due 2024-03-05", "due March 5, 2024"),
        ("**24/7** `help`", "24 7 help"),
        ("- one\n- two", "one\ntwo"),
        ("a < b\x00\x1b[0m 😀", "a < b [0m"),
    ],
)
def test_text_is_read_as_a_person_would(text, read):
    assert spoken_form(text) == read


def test_what_cannot_be_done_is_refused_in_words():
    with pytest.raises(AudioError, match="no voice 'tlh-x'"):
        TtsVoice("tlh-x")
    with pytest.raises(AudioError, match="cannot speak at 11025 Hz"):
        VOICE.synthesise("Hello", 11_025)
    with pytest.raises(AudioError, match="install it again"):
        _EspeakNg("/nowhere/libespeak-ng.so", "/nowhere")
