"""The tuner of turn-taking: known pauses give known figures, and files keep what is not its own."""

from __future__ import annotations

import gzip
import json
import math
import sys
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from agent.cli.main import main
from agent.config import PACKAGE_DIR, SettingsError, load_settings
from agent.lab.training.turns.endings import completeness_shares, endings_table
from agent.lab.training.turns.frontier import choose_policy, frontiers, held_out_outcome
from agent.lab.training.turns.labelled_turns import LabelledTurn, read_labelled_turns
from agent.lab.training.turns.pause_tracks import HOP_S, pause_track
from agent.lab.training.turns.policy_choice import (
    TurnTuningOptions,
    chosen_settings,
    question_kind_reports,
)
from agent.lab.training.turns.recording_analysis import pause_tracks
from agent.lab.training.turns.run import tune_turns
from agent.lab.training.turns.settings_file import ChosenTurnSettings, write_settings
from agent.lab.training.turns.sweep import (
    TurnPolicy,
    silence_policies,
    strip_words,
    sweep,
    turn_outcome,
    word_policies,
)
from audio.files import write as write_sound
from audio.speak import TtsVoice
from audio.speech_analyser import SpeechAnalyser
from audio.text_endpointing import TurnEndings
from audio.turns import FalseOnset, TurnDetector, TurnEndpoint, TurnRules, hop_count
from audio.types import RATE, VOICE_HOP, AudioError, Expectation
from audio.vad import VoiceActivityDetector

AT_ANY_SPEED = settings(deadline=None)  # a busy machine is no failure
COUNTED = TurnEndings.load()
TEXTS = ("thank you", "i want to", "yes", "four four", "my number is one two three", "oprator")


def spoken(*parts, expect=None, speaker="s1", partials=(), end_s=None):
    """spoken(1.0, -0.5, 1.0): a second of voice, half a second of silence, a second of voice,
    and three seconds of silence."""
    speech = [float(part > 0) for part in (*parts, -3.0) for _ in range(round(abs(part) / HOP_S))]
    samples = np.zeros(len(speech) * VOICE_HOP, np.float32)
    turn = LabelledTurn("", speaker, expect or Expectation(), samples, end_s)
    return pause_track(turn, speech, partials, COUNTED)


def pausing(*pauses):
    """A turn for each pause, in seconds."""
    return [spoken(1.0, -pause, 1.0, speaker=f"s{i}") for i, pause in enumerate(pauses)]


# -- what is measured ------------------------------------------------------------------------------

runs = st.lists(st.tuples(st.sampled_from([0.0, 0.4, 1.0]), st.integers(1, 45)), min_size=1)


@AT_ANY_SPEED
@given(
    runs.map(lambda found: [p for p, count in found for _ in range(count)]),
    st.lists(st.tuples(st.integers(1, 120), st.sampled_from(TEXTS)), max_size=4),
    st.builds(
        TurnPolicy,
        silence=st.floats(0.1, 2.0),
        answered=st.floats(0.1, 1.0),
        complete=st.floats(0.4, 1.0),
        incomplete=st.floats(1.0, 1.25),
    ),
    st.sampled_from(["open", "yes_no", "digits", "name"]),
)
def test_the_rules_give_here_what_they_give_in_the_detector(speech, heard, policy, kind):
    speech, partials = speech + [0.0] * 94, sorted(dict(heard).items())
    expect = Expectation(kind, length=4)
    samples = np.zeros(len(speech) * VOICE_HOP, np.float32)
    found = pause_track(LabelledTurn("", "s", expect, samples), speech, partials, COUNTED)
    rules = replace(policy.apply_to(TurnRules(), kind), endings=COUNTED, max_turn_s=1e6)
    first, ended_at = None, 0
    detector = TurnDetector(rules)
    detector.set_expectation(expect)
    for index, probability in enumerate(speech):
        for event in detector.push(samples[:VOICE_HOP], [probability]):
            if isinstance(event, TurnEndpoint | FalseOnset) and first is None:
                first, ended_at = event, index + 1
        if (text := dict(partials).get(index + 1)) is not None:
            detector.set_partial_text(text)
    if found is None:
        assert first is None
        return
    cut, dead = turn_outcome(found, rules)
    quiet = found.pauses[-1][-1].last  # from the last voice to the end
    assert cut == (ended_at <= len(speech) - quiet)
    if not cut:
        assert dead == pytest.approx((ended_at - (len(speech) - quiet)) * HOP_S)


@pytest.mark.parametrize(
    ("silence", "cut"), [(0.25, 1.0), (0.35, 0.75), (0.55, 0.5), (0.75, 0.25), (1.05, 0.0)]
)
def test_known_pauses_give_exactly_known_cut_offs(silence, cut):
    turns = pausing(0.3, 0.5, 0.7, 1.0)
    measured = sweep(turns, "open", [TurnPolicy(silence, silence)], TurnRules())
    assert measured.cut.mean() == cut
    assert np.allclose(measured.dead, hop_count(silence) * HOP_S)


def test_words_hold_a_pause_and_end_a_turn_sooner():
    said = [(20, "i want to"), (70, "i want to check my balance")]
    turn = spoken(1.0, -0.8, 1.0, partials=said)
    rules = TurnRules(silence={"open": 0.6}, endings=COUNTED)
    assert turn_outcome(strip_words(turn), rules)[0]
    cut, dead = turn_outcome(turn, replace(rules, complete=0.5, incomplete=1.5))
    assert not cut
    assert dead == pytest.approx(hop_count(0.3) * HOP_S)


def test_a_label_says_where_speech_ends_and_what_comes_after_is_not_the_turn():
    turn = spoken(1.0, -0.6, 1.0, -1.5, 1.0, end_s=2.5)
    assert len(turn.inner_pauses) == 1
    assert turn.lag_s == pytest.approx(2.6 - 2.5, abs=HOP_S)
    assert turn_outcome(turn, TurnRules()) == (
        False,
        pytest.approx(hop_count(0.9) * HOP_S + turn.lag_s),
    )


def test_silence_and_speech_without_an_end_are_no_turns():
    assert spoken(-1.0) is None
    samples = np.zeros(40 * VOICE_HOP, np.float32)
    assert (
        pause_track(LabelledTurn("", "", Expectation(), samples), [1.0] * 40, [], COUNTED) is None
    )


# -- what is chosen --------------------------------------------------------------------------------


def test_the_frontier_is_the_best_of_the_sweep():
    turns = pausing(*[0.1] * 18, 0.5, 0.9)  # one in twenty pauses longer than half a second
    alone = sweep(turns, "open", silence_policies(), TurnRules())
    (frontier,) = frontiers(turns, alone)
    five, ten = (figure.value for figure in frontier.dead_at)
    assert five == pytest.approx(hop_count(0.55) * HOP_S)
    assert ten == pytest.approx(hop_count(0.15) * HOP_S)
    assert [round(figure.value, 2) for figure in frontier.cut_at[:3]] == [0.1, 0.1, 0.1]
    assert frontier.cut_at[4].value == 0.05
    for figure in (*frontier.cut_at, *frontier.dead_at):
        assert figure.low <= figure.value <= figure.high


def test_the_choice_keeps_to_its_limits():
    turns = pausing(*[0.1] * 18, 0.5, 0.9)
    alone = sweep(turns, "open", silence_policies(), TurnRules())
    assert choose_policy(alone, 0.05, 0.3).policy.silence == 0.55
    assert choose_policy(alone, 0.10, 0.3).policy.silence == 0.3  # the least that is allowed
    assert choose_policy(alone, 0.0, 0.3).policy.silence == 0.9
    cut, dead = held_out_outcome(alone, turns, 0.05, 0.3)
    assert 0 <= cut <= 0.1
    assert dead > 0.3
    one = sweep(turns[:1], "open", silence_policies(), TurnRules())
    assert math.isnan(held_out_outcome(one, turns[:1], 0.05, 0.3)[0])  # nobody to choose on


def test_a_factor_that_gains_nothing_is_not_chosen():
    turns = pausing(*[0.1] * 18, 0.5, 0.9)
    rules = TurnRules(endings=COUNTED)
    best = choose_policy(
        sweep(turns, "open", word_policies("open", rules), rules), 0.05, 0.3
    ).policy
    assert (best.complete, best.incomplete) == (1.0, 1.0)


def test_words_are_used_when_they_gain():
    held = [
        spoken(1.0, -0.8, 1.0, speaker=f"s{i}", partials=[(20, "i want to"), (70, "oprator")])
        for i in range(12)
    ]
    rules = TurnRules(endings=COUNTED)
    (report,) = question_kind_reports(held, rules, TurnTuningOptions(max_cut_off_share=0.0))
    assert report.is_chosen
    assert report.silence_alone.best.policy.silence == 0.85
    assert report.with_words.best.mean < 0.4
    assert report.rules.silence["open"] * report.rules.incomplete >= 0.8
    chosen = chosen_settings([report], TurnTuningOptions())
    assert chosen.silence == {"open": report.with_words.best.policy.silence}
    assert chosen.incomplete == 2.5
    assert chosen.answered is None  # no number was asked for


def test_turns_that_do_not_pause_choose_nothing():
    yes = [spoken(0.5, expect=Expectation("yes_no"), speaker=f"s{i}") for i in range(30)]
    (report,) = question_kind_reports(yes, TurnRules(), TurnTuningOptions())
    assert not report.is_chosen
    assert chosen_settings([report], TurnTuningOptions()) == ChosenTurnSettings(
        {}, None, None, None
    )


# -- files -----------------------------------------------------------------------------------------

MINE = """# the shop's own
port = 9000  # behind nginx

[turns]
answered = 0.5  # they are quick here

[turns.silence]
date = 1.1  # birthdays
"""


def test_the_rest_of_a_settings_file_stays(tmp_path):
    file = tmp_path / "hearken.toml"
    file.write_text(MINE)
    write_settings(file, ChosenTurnSettings({"open": 0.8}, complete=0.7, incomplete=1.5))
    text = file.read_text()
    assert text.startswith(MINE.partition("[turns.silence]")[0].rstrip("\n"))
    assert "date = 1.1  # birthdays" in text
    settings = load_settings(file)
    assert settings.port == 9000
    rules = settings.turns.turn_rules(COUNTED)
    assert (rules.silence["open"], rules.silence["date"], rules.silence["name"]) == (0.8, 1.1, 1.0)
    assert (rules.answered, rules.complete, rules.incomplete) == (0.5, 0.7, 1.5)


def test_a_file_is_made_where_there_was_none(tmp_path):
    file = tmp_path / "new" / "hearken.toml"
    write_settings(file, ChosenTurnSettings({"digits": 0.9}, answered=0.3))
    assert tomllib.loads(file.read_text()) == {
        "turns": {"answered": 0.3, "silence": {"digits": 0.9}}
    }


@pytest.mark.parametrize("broken", ["port = ", "turns = 3", "[turns]\nsilenc = 3"])
def test_a_broken_file_is_left_alone(tmp_path, broken):
    file = tmp_path / "hearken.toml"
    file.write_text(broken)
    with pytest.raises(SettingsError):
        write_settings(file, ChosenTurnSettings({"open": 0.8}))
    assert file.read_text() == broken


def recorded(folder, pauses):
    """A recording for each pause: two short sentences, so far apart."""
    voice = TtsVoice("en-us")
    one, two = (voice.synthesise(text, RATE) for text in ("I lost my card", "please help me"))
    lines = []
    for index, pause in enumerate(pauses):
        quiet = np.zeros(int(pause * RATE), np.float32)
        write_sound(folder / f"{index}.wav", np.concatenate([quiet[:4000], one, quiet, two]), RATE)
        lines.append(json.dumps({"path": f"{index}.wav", "speaker": f"s{index}"}))
    (folder / "turns.jsonl").write_text("\n".join(lines))


def test_from_a_folder_of_recordings_to_settings(tmp_path):
    recorded(tmp_path, [0.6] * 12)
    out, told = tmp_path / "hearken.toml", tmp_path / "figures.json"
    aim = TurnTuningOptions(use_words=False)
    console = Console(file=(tmp_path / "table.txt").open("w"), width=120)
    (report,) = tune_turns(tmp_path, out, "dev", told, aim, tmp_path / "work", console)
    console.file.close()
    assert (len(report.turns), report.pausing_turns) == (12, 12)
    assert 0.6 <= report.silence_alone.best.policy.silence <= 0.85
    assert load_settings(out).turns.silence == {"open": report.with_words.best.policy.silence}
    assert "12 turns, 12 speakers" in (tmp_path / "table.txt").read_text()
    (figures,) = json.loads(told.read_text())
    assert figures["asked"] == "open"
    assert figures["silence_alone"]["best"]["cut"] == 0


@pytest.mark.model
def test_words_are_heard_as_they_come_and_only_once(tmp_path):
    recorded(tmp_path, [0.6] * 2)
    _, turns = read_labelled_turns(tmp_path, "dev")
    first, second = turns
    ears, vad, work = (
        SpeechAnalyser.load(PACKAGE_DIR / "weights", infer_emotion=False),
        VoiceActivityDetector.load(),
        tmp_path,
    )
    found = list(pause_tracks([first, second], vad, ears, COUNTED, work))
    kept = {file.name: file.read_text() for file in work.glob("*.jsonl")}
    assert len(kept) == 3  # turns, voices, words
    assert list(pause_tracks([first, second], vad, ears, COUNTED, work)) == found
    assert {file.name: file.read_text() for file in work.glob("*.jsonl")} == kept
    (words,) = [text for name, text in kept.items() if name.startswith("words-")]
    partials = json.loads(words.split("\n")[0])[1]
    assert len(partials) > 1
    assert [hop for hop, _ in partials] == sorted({hop for hop, _ in partials})


def test_labelled_turns_of_one_recording_are_heard_one_by_one(tmp_path):
    recorded(tmp_path, [2.0])
    line = {"path": "0.wav", "turns": [[0.3, 1.2], [3.3, 4.2]], "expect": {"kind": "name"}}
    (tmp_path / "turns.jsonl").write_text(json.dumps(line))
    total, turns = read_labelled_turns(tmp_path, "dev")
    first, second = turns
    assert total == 2
    assert first.expect == Expectation("name")
    assert first.end_s == pytest.approx(1.2)
    assert second.end_s == pytest.approx(4.2 - 2.8)
    assert len(first.samples) / RATE >= 1.2 + 3
    assert np.abs(first.samples[-RATE:]).max() > 0  # a line is never digital zero


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "lists no recordings"),
        ("{", "turns.jsonl:1"),
        ('{"expect": {}}', "turns.jsonl:1: path"),
        ('{"path": "a.wav", "expect": {"kind": "opn"}}', "expect.kind"),
        ('{"path": "a.wav", "turns": [[2.0, 1.0]]}', "end after it starts"),
        ('{"path": "a.wav", "turn": [[1.0, 2.0]]}', "turns.jsonl:1: turn"),
        ('{"path": "a.wav"}', "no such file"),
    ],
)
def test_a_bad_list_is_refused_in_words(tmp_path, line, words):
    (tmp_path / "turns.jsonl").write_text(line)
    with pytest.raises(AudioError, match=words):
        list(read_labelled_turns(tmp_path, "dev")[1])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (b'{"text": "one"}', "not as the public sets"),
        (b"{", "not as the public sets"),
        (b"", "no recording of fsdd is in split dev"),
    ],
)
def test_a_bad_manifest_is_refused_in_words(tmp_path, rows, words):
    (tmp_path / "speech").mkdir()
    (tmp_path / "speech" / "fsdd.zip").touch()
    (tmp_path / "speech" / "fsdd.jsonl.gz").write_bytes(gzip.compress(rows))
    with pytest.raises(AudioError, match=words):
        read_labelled_turns(tmp_path, "dev")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "none", "there is no such folder"),
        (lambda folder: folder, "neither turns.jsonl nor"),
    ],
)
def test_a_wrong_folder_is_one_sentence(tmp_path, monkeypatch, capsys, make, words):
    arguments = ["hearken", "tune", "turns", "--recordings", str(make(tmp_path)), "--no-words"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--out", str(tmp_path / "h.toml")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "h.toml").exists()


# -- endings ---------------------------------------------------------------------------------------


def test_endings_are_counted_and_judged():
    said = ["i need to pay my bill", "pay my bill please", "my pin is 4417"] * 20
    endings = endings_table(said)
    assert endings.counts["to"] == (0, 20)
    assert endings.counts["please"] == (20, 20)
    assert "4417" not in endings.counts
    looks = completeness_shares(endings, said)
    assert looks.ends_incomplete == 0
    assert looks.goes_on_incomplete > 0.5
    assert looks.ends_complete > 0.6
