"""What is there to say about every contender, for a terminal and for a file?

The JSON's keys come in a fixed order, and a value that does not exist is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from agent.lab.evaluation.contenders import Measured, Turn
from agent.lab.evaluation.expected_questions import Asking, right
from agent.lab.evaluation.manifest import Flaw, Recording
from agent.lab.evaluation.speaker_bootstrap import Figure, Measure, difference, figure
from agent.lab.evaluation.speech_metrics import confusion, errors, judged, measures, verdict
from agent.lab.evaluation.streaming import Streamed
from audio.types import EMOTIONS, Precision

Group = tuple[str, str]  # ("sex", "female")


@dataclass(frozen=True, slots=True)
class Setting:
    """What was evaluated, in the words of the command line."""

    manifest: Path
    audio: Path
    split: str | None
    limit: int | None
    expect: Asking
    language: str
    telephone: bool
    precision: Precision = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    measured: Measured
    measures: tuple[Measure, ...]
    figures: Mapping[str, Figure]  # by Measure.id
    groups: Mapping[Group, Mapping[str, Figure]]
    differences: Mapping[str, Figure]  # to the first contender; empty for the first itself


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    setting: Setting
    picked: str  # a sentence: which lines of the manifest
    notes: tuple[str, ...]
    flaws: tuple[Flaw, ...]
    scored: tuple[Scored, ...]
    streamed: Streamed | None

    @property
    def recordings(self) -> list[Recording]:
        return [turn.recording for turn in self.scored[0].measured.turns]


def scored(all_measured: Sequence[Measured]) -> tuple[Scored, ...]:
    speakers = [t.recording.speaker for t in all_measured[0].turns]
    groups = _groups(all_measured[0].turns)
    base: dict[str, Measure] = {}
    found = []
    for one in all_measured:
        known = measures(one.turns)
        found.append(
            Scored(
                measured=one,
                measures=tuple(known),
                figures={m.id: figure(m, speakers) for m in known},
                groups={
                    group: {m.id: figure(m, speakers, within) for m in known}
                    for group, within in groups.items()
                },
                differences={
                    m.id: difference(m, base[m.id], speakers) for m in known if m.id in base
                },
            )
        )
        base = base or {m.id: m for m in known}
    return tuple(found)


def _groups(turns: Sequence[Turn]) -> dict[Group, np.ndarray[Any, np.dtype[np.bool_]]]:
    every = {group for t in turns for group in t.recording.groups.items()}
    names = list(dict.fromkeys(name for t in turns for name in t.recording.groups))
    return {
        (name, value): np.array([t.recording.groups.get(name) == value for t in turns])
        for name, value in sorted(every, key=lambda group: (names.index(group[0]), group[1]))
    }


def worst_words(turns: Sequence[Turn], many: int = 10) -> list[Turn]:
    """The texts least like what was said, in letters; of equals, the ones most believed."""
    said = [t for t in turns if t.recording.text]
    counts = errors([list(t.recording.text) for t in said], [list(taken(t)) for t in said])
    wrong = counts[:, :3].sum(1) / np.maximum(counts[:, 3], 1)
    ranked = sorted(zip(wrong, said, strict=True), key=lambda p: (-p[0], -_sure(p[1])))
    return [turn for error, turn in ranked if error > 0 and not _right(turn)][:many]


def worst_emotions(turns: Sequence[Turn], many: int = 10) -> list[Turn]:
    """The wrong verdicts that were most believed over the truth."""

    def excess(turn: Turn) -> float:
        chances = turn.emotion or {}
        truth = turn.recording.emotion
        return max(chances.values()) - (chances.get(truth, 0.0) if truth else 0.0)

    wrong = [
        t for t in turns if t.recording.emotion and verdict(t) not in (None, t.recording.emotion)
    ]
    return sorted(wrong, key=excess, reverse=True)[:many]


def taken(turn: Turn) -> str:
    """What a dialogue would have gone by."""
    return (turn.asked or turn.open).text


def _sure(turn: Turn) -> float:
    return (turn.asked or turn.open).confidence


def _right(turn: Turn) -> bool:
    heard = taken(turn)
    return bool(heard) and right(turn.sort, turn.recording.text, heard)


def as_json(report: Report) -> dict[str, Any]:
    setting = asdict(report.setting)
    return {
        "setting": {k: str(v) if isinstance(v, Path) else v for k, v in setting.items()},
        "picked": report.picked,
        "recordings": len(report.recordings),
        "speakers": len({r.speaker for r in report.recordings}),
        "seconds": round(sum(t.seconds for t in report.scored[0].measured.turns), 3),
        "notes": list(report.notes),
        "bad_lines": [asdict(flaw) for flaw in report.flaws],
        "contenders": [_contender(one) for one in report.scored],
        "streaming": asdict(report.streamed) if report.streamed else None,
        "worst": _worst(report.scored[0].measured.turns),
    }


def _worst(turns: Sequence[Turn]) -> dict[str, list[str]]:
    return {
        "words": [t.recording.path for t in worst_words(turns)],
        "emotion": [t.recording.path for t in worst_emotions(turns)],
    }


def _contender(one: Scored) -> dict[str, Any]:
    turns = one.measured.turns
    emotional = bool(judged(turns))
    return {
        "name": one.measured.contender.name,
        "models": {
            role: {
                "name": model.name,
                "sha256": model.sha256,
                "licence": model.licence,
                "streaming": model.streaming,
            }
            for role, model in one.measured.models.items()
        },
        "real_time_factor": round(one.measured.real_time, 5),
        "figures": {key: _figure(f) for key, f in one.figures.items()},
        "difference_to_first": {key: _figure(f) for key, f in one.differences.items()},
        "groups": [
            {"group": name, "value": value, "figures": {k: _figure(f) for k, f in found.items()}}
            for (name, value), found in one.groups.items()
        ],
        "confusion": {
            "rows": list(EMOTIONS),
            "columns": [*EMOTIONS, "no verdict"],
            "counts": confusion(turns).tolist(),
        }
        if emotional
        else None,
        "rows": [_row(turn) for turn in turns],
    }


def _figure(found: Figure) -> dict[str, Any]:
    return {
        "value": _number(found.value),
        "low": _number(found.low),
        "high": _number(found.high),
        "recordings": found.recordings,
        "speakers": found.speakers,
        "too_few_speakers": found.few,
    }


def _number(value: float) -> float | None:
    return None if isnan(value) else round(value, 6)


def _row(turn: Turn) -> dict[str, Any]:
    recording = turn.recording
    return {
        "path": recording.path,
        "line": recording.line,
        "speaker": recording.speaker,
        "groups": dict(recording.groups),
        "seconds": round(turn.seconds, 3),
        "cpu_seconds": round(turn.compute, 4),
        "reference": recording.text or None,
        "open": _text(turn, turn.open.text, turn.open.confidence),
        "question": asdict(turn.question) if turn.question else None,
        "asked": _text(turn, turn.asked.text, turn.asked.confidence) if turn.asked else None,
        "emotion": recording.emotion,
        "emotion_heard": verdict(turn),
        "emotion_chances": None
        if turn.emotion is None
        else {e: round(p, 4) for e, p in turn.emotion.items()},
    }


def _text(turn: Turn, heard: str, confidence: float) -> dict[str, Any]:
    known = bool(turn.recording.text)
    return {
        "hypothesis": heard,
        "confidence": round(confidence, 4),
        "right": bool(heard) and right(turn.sort, turn.recording.text, heard) if known else None,
    }
