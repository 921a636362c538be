"""The same again is the same, byte for byte; one thing changed is named, and nothing is made up."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from agent.config import Settings
from agent.core.decisions import without_reasons
from agent.recordings.bundle import load_recording
from agent.replay.answer_sources import RecordedAnswerSource
from agent.replay.builds import LocalBuild
from agent.replay.parallel import ReplayWorker
from agent.replay.run import SessionReplay, is_identical, recorded_decisions, replay_strictly
from agent.replay.verdict import replay_recording
from tests.agent.conftest import SESSIONS, changed

ALL = sorted(SESSIONS.glob("*.zip"))


def under(pack) -> LocalBuild:
    return LocalBuild.from_settings(Settings(pack=pack))


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_strict_replay_is_byte_identical(path, here):
    found = replay_recording(load_recording(path), here.target)
    assert found.verdict == "identical"
    assert found.report_lines() == []


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_what_is_asked_for_now_gets_the_answers_of_then(path, here):
    recording = load_recording(path)
    run = SessionReplay(recording, here.target, RecordedAnswerSource(), keep_latency=True).run()
    assert not run.missing_answers
    assert without_reasons([what for _, what in run.decisions]) == without_reasons(
        [what for _, what in recorded_decisions(recording)]
    )


@pytest.mark.model
@pytest.mark.parametrize("mode", ["fresh", "late"])
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_the_same_models_decide_the_same(path, mode, here, models):
    found = replay_recording(load_recording(path), here.target, mode, models.answer_source)
    assert found.verdict == "same", found.report_lines()


@pytest.mark.model
def test_turns_in_which_a_number_was_said_are_answered_as_they_were(here, models):
    recording = load_recording(SESSIONS / "spoken.zip")
    found = replay_recording(recording, here.target, "fresh", models.answer_source)
    assert (
        found.run.recorded_fallbacks == 2
    )  # the customer number and the passcode: their sound is silence
    assert not recording.audio["customer"].is_intact(0, len(recording.audio["customer"].samples))


def test_a_changed_reply_is_named(own_pack):
    changed(own_pack / "replies.yaml", "And your four-digit", "Now your four-digit")
    found = replay_recording(load_recording(SESSIONS / "transfer.zip"), under(own_pack).target)
    assert found.verdict == "different"
    assert len(found.changes) == 1
    (first,) = found.changes
    assert (first.kind, first.turn) == ("reply", 3)
    assert str(first).endswith(
        'text: "And your four-digit telephone passcode?" -> "Now your four-digit telephone '
        'passcode?"'
    )


def test_a_changed_threshold_is_named(own_pack):
    changed(
        own_pack / "escalation.yaml", "    least_turns: 2 ", "    enter: 0.19\n    least_turns: 2 "
    )
    found = replay_recording(load_recording(SESSIONS / "handed-over.zip"), under(own_pack).target)
    assert found.verdict == "different"
    assert {one.kind for one in found.changes} == {"rule"}
    assert {one.before["rule"] for one in found.changes} == {"upset_over_turns"}
    assert set(found.changes[0].fields) == {"enter"}


def test_a_changed_weight_of_the_policy_is_named(own_pack):
    changed(own_pack / "escalation.yaml", "      complaint: 0.4 ", "      complaint: 0.5 ")
    first = replay_recording(
        load_recording(SESSIONS / "handed-over.zip"), under(own_pack).target
    ).changes[0]
    assert (first.kind, first.before["rule"]) == ("rule", "upset_over_turns")
    assert "terms.complaint" in first.fields


@pytest.mark.model
def test_a_changed_weight_of_a_model_is_named(tmp_path):
    weights = tmp_path / "weights"
    shutil.copytree(Settings().weights, weights)
    nudge(weights / "understanding" / "intents.safetensors")
    worker = ReplayWorker(LocalBuild.from_settings(Settings(weights=weights)), "fresh")
    found = worker.replay(SESSIONS / "transfer.zip")
    assert found.verdict == "different"
    assert found.changes[0].kind == "intent"
    told = [one for one in found.report_lines() if one.startswith("since: ")]
    assert len(told) == 1
    assert told[0].startswith("since: model of intent")


def nudge(file) -> None:
    """One weight is another one: some intent is far likelier, whatever is said."""
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(file, framework="numpy") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        header = stored.metadata()
    weights = tensors["bias"] = tensors["bias"].copy()
    weights[0] += 30.0
    save_file(tensors, file, header)


def test_turns_that_end_later_are_named_first(here):
    rules = here.target.rules
    slow = replace(
        rules,
        turn_rules=replace(rules.turn_rules, silence=dict.fromkeys(rules.turn_rules.silence, 3)),
    )
    found = replay_recording(
        load_recording(SESSIONS / "spoken.zip"), replace(here.target, rules=slow)
    )
    assert found.changes[0].kind in ("turn", "turn_end")


def test_what_was_not_recorded_is_an_error_and_not_made_up(here, own_pack):
    recording = load_recording(SESSIONS / "transfer.zip")
    answers = [n for n, row in enumerate(recording.rows) if '"type":"Acted"' in row.input]
    rows = tuple(row for n, row in enumerate(recording.rows) if n != answers[0])
    run = SessionReplay(replace(recording, rows=rows), here.target, RecordedAnswerSource()).run()
    assert len(run.missing_answers) == 1
    assert "verify_customer(" in run.missing_answers[0]


def test_a_question_that_was_never_asked_is_an_error_in_strict_mode(here):
    recording = load_recording(SESSIONS / "transfer.zip")
    typed = next(row for row in recording.rows if '"type":"Typed"' in row.input)
    more = replace(typed, n=len(recording.rows) + 1, input=typed.input)
    rows = (*recording.rows[:3], more, *recording.rows[3:])
    run = replay_strictly(replace(recording, rows=rows), here.target)
    assert "the answer to question" in run.missing_answers[0]


def test_one_byte_of_difference_is_seen(here):
    recording = load_recording(SESSIONS / "transfer.zip")
    last = recording.rows[-1]
    rows = (*recording.rows[:-1], replace(last, digest="2:" + "0" * 64))
    other = replace(recording, rows=rows)
    assert not is_identical(other, replay_strictly(other, here.target))
    assert (
        f"input {last.n} differs in a detail"
        in replay_recording(other, here.target).report_lines()[0]
    )


def test_what_is_decided_can_be_kept_as_what_is_expected(here):
    recording = load_recording(SESSIONS / "handed-over.zip")
    rows = replay_strictly(recording, here.target).rows()
    assert [json.loads(row.decisions) for row in rows] == [
        json.loads(row.decisions) for row in recording.rows
    ]
    assert [row.digest for row in rows] == [row.digest for row in recording.rows]
