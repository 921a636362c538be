"""Turn-taking: laws that hold for any sound, and the cases people complain about."""

from dataclasses import replace
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio import turns
from audio.codecs import decode, encode
from audio.resample import resample
from audio.speak import TtsVoice
from audio.text_endpointing import TurnEndings
from audio.turns import (
    FalseOnset,
    TurnAudio,
    TurnDetector,
    TurnEndpoint,
    TurnOnset,
    TurnRules,
)
from audio.types import RATE, VOICE_HOP, Expectation
from audio.vad import VoiceActivityDetector

AT_ANY_SPEED = settings(deadline=None)  # a busy machine is no failure
SHORT = TurnRules(max_turn_s=3.0)  # so that cuts occur in small examples

# Runs of hops of one probability: speech, silence, and what lies between the two thresholds.
runs = st.lists(st.tuples(st.sampled_from([0.0, 0.3, 0.4, 0.6, 1.0]), st.integers(1, 40)))
speech = runs.map(lambda found: [p for p, count in found for _ in range(count)])


def sound(hops):
    """Every sample tells its own position."""
    return np.arange(hops * VOICE_HOP, dtype=np.float32)


def hops(seconds):
    return round(seconds * RATE / VOICE_HOP)


def talk(*parts):
    """talk(1.0, -0.5, 1.0): a second of voice, half a second of silence, a second of voice."""
    return [float(part > 0) for part in parts for _ in range(hops(abs(part)))]


def listen(probabilities, expectation=None, detector=None):
    """All events of this stream, closed at its end, without the audio."""
    detector = detector or TurnDetector()
    if expectation:
        detector.set_expectation(expectation)
    events = detector.push(sound(len(probabilities)), probabilities) + detector.close()
    return [event for event in events if not isinstance(event, TurnAudio)]


def ends(events):
    return [event for event in events if isinstance(event, TurnEndpoint)]


def story(events):
    """Events in a form that compares, audio joined sample by sample."""
    told = []
    for event in events:
        match event:
            case TurnAudio(samples):
                told += samples.tolist()
            case TurnEndpoint(start, end, voiced, why):
                told.append((start, end, voiced.tolist(), why))
            case _:
                told.append(event)
    return told


@AT_ANY_SPEED
@given(speech, st.lists(st.integers(0, 50)))
def test_events_do_not_depend_on_packets(probabilities, sizes):
    samples = sound(len(probabilities))
    pieces, detector = [], TurnDetector(SHORT)
    cuts = [0, *accumulate(sizes), len(probabilities)]
    for a, b in zip(cuts, cuts[1:], strict=False):
        pieces += detector.push(samples[a * VOICE_HOP : b * VOICE_HOP], probabilities[a:b])
    whole = TurnDetector(SHORT).push(samples, probabilities)
    assert story(pieces) == story(whole)


@AT_ANY_SPEED
@given(speech)
def test_turns_are_exact_and_do_not_overlap(probabilities):
    detector = TurnDetector(SHORT)
    events = detector.push(sound(len(probabilities)), probabilities) + detector.close()
    assert detector.position == len(probabilities) * VOICE_HOP
    assert not detector.is_open
    start, last, audio = None, 0, []
    for event in events:
        match event:
            case TurnOnset(begins):
                assert start is None
                assert begins >= last
                start, audio = begins, []
            case TurnAudio(samples):
                assert start is not None
                audio += samples.tolist()
            case FalseOnset(began):
                assert began == start
                start, last = None, began + len(audio)
            case TurnEndpoint(began, end, voiced):
                assert began == start
                tail = event.speech_end + turns.hop_count(SHORT.tail_s) * VOICE_HOP
                assert audio == list(range(began, min(end, tail)))
                assert len(voiced) * VOICE_HOP == end - began
                assert voiced.sum() * VOICE_HOP >= SHORT.min_voiced_s * RATE
                assert began < event.speech_end <= end
                start, last = None, end
    assert start is None


@AT_ANY_SPEED
@given(st.lists(st.floats(0, 0.49), max_size=300))
def test_silence_is_no_event(probabilities):
    assert listen(probabilities) == []


def test_a_turn_keeps_the_sound_from_before_it_and_says_when_it_is_over():
    began, ended = listen(talk(-1, 1, -1))
    assert began.start == ended.start == (hops(1) - 10) * VOICE_HOP  # 320 ms before the voice
    assert ended.speech_end == (hops(1) + hops(1)) * VOICE_HOP
    assert ended.end == ended.speech_end + 29 * VOICE_HOP  # 928 ms
    assert ended.reason == "silence"


def test_a_click_does_not_begin_a_turn_and_a_cough_is_taken_back():
    assert listen([0] * 30 + [1] + [0] * 30 + [1, 1] + [0] * 60) == []
    began, dropped = listen([0] * 30 + [1] * 4 + [0] * 60)
    assert dropped == FalseOnset(began.start)


def test_a_bot_is_not_stopped_before_there_was_voice_for_100_ms():
    detector = TurnDetector()
    for voiced in (1.0, 0.0, 1.0):
        assert detector.push(sound(1), [voiced]) == []
    began, _ = detector.push(sound(1), [1.0])
    assert began == TurnOnset(0)


@pytest.mark.parametrize("word", ["no", "yes", "four", "two", "uh", "stop"])
@pytest.mark.parametrize("words_per_minute", [120, 240])
def test_the_shortest_words_on_a_telephone_are_turns(word, words_per_minute):
    line = encode(TtsVoice("en-us", words_per_minute).synthesise(word, 8_000), "mulaw")
    spoken = resample(decode(line, "mulaw", 1)[:, 0], 8_000, RATE)
    second = np.zeros(RATE, np.float32)
    vad, detector = VoiceActivityDetector.load(), TurnDetector()
    samples, probabilities = vad.speech_probabilities(
        vad.open(), np.concatenate([second, spoken, second, second])
    )
    (ended,) = ends(detector.push(samples, probabilities.tolist()))
    assert ended.start < RATE
    assert ended.speech_end == pytest.approx(RATE + len(spoken), abs=5 * VOICE_HOP)


def test_a_flickering_probability_is_one_turn():
    assert len(ends(listen([1.0] * 5 + [0.4, 0.36] * 40 + [0.0] * 30))) == 1


def test_a_pause_between_digits_ends_an_open_answer_but_no_account_number():
    spelled = talk(0.8, -0.95, 0.8, -0.95, 0.8, -2)
    assert len(ends(listen(spelled))) == 3
    assert len(ends(listen(spelled, Expectation("digits", length=6)))) == 1


@pytest.mark.parametrize(
    ("expectation", "text", "patience"),
    [
        (Expectation(), "", 0.9),
        (Expectation("yes_no"), "yes", 0.4),
        (Expectation("amount"), "five hundred", 0.9),
        (Expectation("digits", length=4), "four four one", 1.0),
        (Expectation("digits", length=4), "four four one seven", 0.4),
        (Expectation("digits"), "four four one seven", 1.0),
        (Expectation(), "my number is five five five", 1.0),
        (Expectation(), "five five five is wrong", 0.9),
    ],
)
def test_patience_depends_on_what_was_asked_and_said(expectation, text, patience):
    detector = TurnDetector()
    detector.set_expectation(expectation)
    detector.push(sound(20), [1.0] * 20)
    detector.set_partial_text(text)
    assert detector.silence_limit_s == patience
    ended = ends(detector.push(sound(60), [0.0] * 60))[0]
    assert patience <= (ended.end - ended.speech_end) / RATE < patience + VOICE_HOP / RATE


WORDS = TurnRules(complete=0.5, incomplete=2.0, answered=0.3, endings=TurnEndings.load())


@pytest.mark.parametrize(
    ("expectation", "text", "patience"),
    [
        (Expectation(), "thank you", 0.5),
        (Expectation(), "i want to", 2.0),
        (Expectation(), "oprator plese", 1.0),
        (Expectation("yes_no"), "yes", 0.3),
        (Expectation("choice", choices=("savings",)), "savings", 0.3),
    ],
)
def test_a_turn_ends_sooner_or_later_as_its_words_say(expectation, text, patience):
    rules = replace(WORDS, silence={"open": 1.0, "yes_no": 1.0, "choice": 1.0})
    detector = TurnDetector(rules)
    detector.set_expectation(expectation)
    detector.push(sound(20), [1.0] * 20)
    detector.set_partial_text(text)
    (ended,) = ends(detector.push(sound(80), [0.0] * 80))
    assert patience <= (ended.end - ended.speech_end) / RATE < patience + VOICE_HOP / RATE


def test_what_is_asked_meanwhile_counts_for_words_already_heard():
    detector = TurnDetector(WORDS)
    detector.push(sound(20), [1.0] * 20)
    detector.set_partial_text("yes")
    before = detector.silence_limit_s
    detector.set_expectation(Expectation("yes_no"))
    assert detector.silence_limit_s == 0.3 < before


@AT_ANY_SPEED
@given(speech, st.lists(st.integers(0, 50)), st.sampled_from(["thank you", "i want to", "yes"]))
def test_words_change_nothing_about_packets(probabilities, sizes, text):
    """With a partial text at the same sample, cut points stay the same for any packets."""
    half = len(probabilities) // 2
    told = []
    for cuts in ([0, half], sorted({0, half, *accumulate(sizes)})):
        detector, events = TurnDetector(replace(WORDS, max_turn_s=3.0)), []
        edges = [cut for cut in cuts if cut <= len(probabilities)] + [len(probabilities)]
        for a, b in zip(edges, edges[1:], strict=False):
            if a == half:
                detector.set_partial_text(text)
            events += detector.push(sound(b - a), probabilities[a:b])
        told.append([story([e]) for e in events if not isinstance(e, TurnAudio)])
    assert told[0] == told[1]


def test_words_are_forgotten_with_their_turn():
    detector = TurnDetector()
    detector.set_expectation(Expectation("digits", length=2))
    detector.push(sound(20), [1.0] * 20)
    detector.set_partial_text("one two")
    detector.push(sound(30), [0.0] * 30)
    detector.set_partial_text("one two")  # late: the turn is over
    detector.push(sound(20), [1.0] * 20)
    assert detector.silence_limit_s == 1.0


def test_settings_for_one_question_leave_the_others_alone():
    detector = TurnDetector(TurnRules(silence={"open": 0.5}))
    assert detector.silence_limit_s == 0.5
    detector.set_expectation(Expectation("date"))
    assert detector.silence_limit_s == 0.9


def test_who_speaks_too_long_is_cut_without_a_gap():
    events = listen([1.0] * hops(70))
    turns = ends(events)
    assert [turn.reason for turn in turns] == ["longest", "longest", "closed"]
    assert all(a.end == b.start for a, b in zip(turns, turns[1:], strict=False))


def test_a_muted_line_is_ended_by_whoever_has_a_clock():
    detector = TurnDetector()
    detector.push(sound(20), [1.0] * 20)
    assert (detector.is_open, detector.position) == (True, 20 * VOICE_HOP)
    assert [event.reason for event in ends(detector.close())] == ["closed"]
    assert detector.close() == []
    assert len(ends(listen([1.0] * 20 + [0.0] * 30, detector=detector))) == 1


def test_audio_and_probabilities_must_fit():
    with pytest.raises(ValueError, match="are not 2 hops"):
        TurnDetector().push(sound(1), [0.0, 0.0])
