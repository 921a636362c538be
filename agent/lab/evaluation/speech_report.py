"""Scores of all contenders, and their JSON.

The keys of the JSON have a fixed order; a missing value is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent.lab.evaluation.contenders import AnalysedTurn, ContenderResult
from agent.lab.evaluation.expected_questions import is_right_answer
from agent.lab.evaluation.manifest import BadLine, LabelledRecording
from agent.lab.evaluation.question_mode import QuestionMode
from agent.lab.evaluation.speech_metrics import (
    all_metrics,
    emotion_confusion,
    emotion_pairs,
    emotion_verdict,
)
from agent.lab.evaluation.streaming import StreamingComparison
from agent.lab.evaluation.tally_metric import TallyMetric, estimate, estimate_difference
from agent.lab.evaluation.worst_turns import worst_emotions, worst_words
from agent.lab.json_output import json_value
from agent.lab.statistics import Estimate
from audio.types import EMOTIONS, Precision

SpeakerGroup = tuple[str, str]  # ("sex", "female")


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """The options of the command line."""

    manifest: Path
    audio: Path
    split: str | None
    limit: int | None
    expect: QuestionMode
    language: str
    telephone: bool
    precision: Precision = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class ContenderScores:
    result: ContenderResult
    metrics: tuple[TallyMetric, ...]
    estimates: Mapping[str, Estimate]  # by TallyMetric.id
    groups: Mapping[SpeakerGroup, Mapping[str, Estimate]]
    differences: Mapping[str, Estimate]  # from the first contender; empty for itself


@dataclass(frozen=True, slots=True, eq=False)
class SpeechReport:
    settings: EvaluationSettings
    selection: str  # a sentence: the selected lines of the manifest
    notes: tuple[str, ...]
    bad_lines: tuple[BadLine, ...]
    contender_scores: tuple[ContenderScores, ...]
    streaming_comparison: StreamingComparison | None

    @property
    def recordings(self) -> list[LabelledRecording]:
        return [turn.recording for turn in self.contender_scores[0].result.turns]


def score_contenders(results: Sequence[ContenderResult]) -> tuple[ContenderScores, ...]:
    speakers = [t.recording.speaker for t in results[0].turns]
    groups = _speaker_groups(results[0].turns)
    base: dict[str, TallyMetric] = {}
    scores = []
    for result in results:
        metrics = all_metrics(result.turns)
        scores.append(
            ContenderScores(
                result=result,
                metrics=tuple(metrics),
                estimates={m.id: estimate(m, speakers) for m in metrics},
                groups={
                    group: {m.id: estimate(m, speakers, within) for m in metrics}
                    for group, within in groups.items()
                },
                differences={
                    m.id: estimate_difference(m, base[m.id], speakers)
                    for m in metrics
                    if m.id in base
                },
            )
        )
        base = base or {m.id: m for m in metrics}
    return tuple(scores)


def _speaker_groups(
    turns: Sequence[AnalysedTurn],
) -> dict[SpeakerGroup, np.ndarray[Any, np.dtype[np.bool_]]]:
    every = {group for t in turns for group in t.recording.groups.items()}
    names = list(dict.fromkeys(name for t in turns for name in t.recording.groups))
    return {
        (name, value): np.array([t.recording.groups.get(name) == value for t in turns])
        for name, value in sorted(every, key=lambda group: (names.index(group[0]), group[1]))
    }


def report_json(report: SpeechReport) -> dict[str, Any]:
    settings = asdict(report.settings)
    return {
        "setting": {k: str(v) if isinstance(v, Path) else v for k, v in settings.items()},
        "picked": report.selection,
        "recordings": len(report.recordings),
        "speakers": len({r.speaker for r in report.recordings}),
        "seconds": round(sum(t.seconds for t in report.contender_scores[0].result.turns), 3),
        "notes": list(report.notes),
        "bad_lines": [asdict(flaw) for flaw in report.bad_lines],
        "contenders": [_contender_json(one) for one in report.contender_scores],
        "streaming": asdict(report.streaming_comparison) if report.streaming_comparison else None,
        "worst": _worst_json(report.contender_scores[0].result.turns),
    }


def _worst_json(turns: Sequence[AnalysedTurn]) -> dict[str, list[str]]:
    return {
        "words": [t.recording.path for t in worst_words(turns)],
        "emotion": [t.recording.path for t in worst_emotions(turns)],
    }


def _contender_json(scores: ContenderScores) -> dict[str, Any]:
    turns = scores.result.turns
    emotional = bool(emotion_pairs(turns))
    return {
        "name": scores.result.contender.name,
        "models": {
            role: {
                "name": model.name,
                "sha256": model.sha256,
                "licence": model.licence,
                "streaming": model.streaming,
            }
            for role, model in scores.result.models.items()
        },
        "real_time_factor": round(scores.result.real_time_factor, 5),
        "figures": {key: _estimate_json(f) for key, f in scores.estimates.items()},
        "difference_to_first": {key: _estimate_json(f) for key, f in scores.differences.items()},
        "groups": [
            {
                "group": name,
                "value": value,
                "figures": {k: _estimate_json(f) for k, f in found.items()},
            }
            for (name, value), found in scores.groups.items()
        ],
        "confusion": {
            "rows": list(EMOTIONS),
            "columns": [*EMOTIONS, "no verdict"],
            "counts": emotion_confusion(turns).tolist(),
        }
        if emotional
        else None,
        "rows": [_turn_json(turn) for turn in turns],
    }


def _estimate_json(estimate: Estimate) -> dict[str, Any]:
    return {
        **json_value(estimate.bounds, 6),
        "recordings": estimate.rows,
        "speakers": estimate.clusters,
        "too_few_speakers": estimate.has_few_clusters,
    }


def _turn_json(turn: AnalysedTurn) -> dict[str, Any]:
    recording = turn.recording
    return {
        "path": recording.path,
        "line": recording.line,
        "speaker": recording.speaker,
        "groups": dict(recording.groups),
        "seconds": round(turn.seconds, 3),
        "cpu_seconds": round(turn.cpu_s, 4),
        "reference": recording.text or None,
        "open": _transcript_json(turn, turn.open_transcript.text, turn.open_transcript.confidence),
        "question": asdict(turn.expectation) if turn.expectation else None,
        "asked": _transcript_json(
            turn, turn.answer_transcript.text, turn.answer_transcript.confidence
        )
        if turn.answer_transcript
        else None,
        "emotion": recording.emotion,
        "emotion_heard": emotion_verdict(turn),
        "emotion_chances": None
        if turn.emotion is None
        else {e: round(p, 4) for e, p in turn.emotion.items()},
    }


def _transcript_json(turn: AnalysedTurn, hypothesis: str, confidence: float) -> dict[str, Any]:
    known = bool(turn.recording.text)
    return {
        "hypothesis": hypothesis,
        "confidence": round(confidence, 4),
        "right": bool(hypothesis)
        and is_right_answer(turn.answer_kind, turn.recording.text, hypothesis)
        if known
        else None,
    }
