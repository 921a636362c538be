"""Which figures does a list of turns have?

Held by tests/agent/evaluation/test_scores.py against values worked out by hand and against
scikit-learn's own recall and F1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix  # type: ignore[import-untyped]

from agent.lab.evaluation.contenders import Turn
from agent.lab.evaluation.expected_questions import right, unrolled
from agent.lab.evaluation.speaker_bootstrap import (
    Floats,
    Measure,
    Section,
    calibration_error,
    calibration_tally,
    share,
)
from agent.lab.training.ears.word_errors import word_edits
from audio.types import EMOTIONS, Emotion, Transcript

ABSTAINED = len(EMOTIONS)  # the column of the confusion table for no verdict
ANSWERS = {
    "choice": "keywords or choices right",
    "name": "names right",
    "digits": "numbers wholly right",
    "yes_no": "yes or no right",
    "amount": "amounts right",
    "date": "dates right",
    "open": "likely phrases: wholly right",
}


def measures(turns: Sequence[Turn]) -> list[Measure]:
    """All figures that have at least one recording, in the order in which they are shown."""
    found = [
        *_word_errors(turns),
        *_answers("open", turns, [t.open if t.recording.text else None for t in turns]),
        *_answers("asked", turns, [t.asked for t in turns]),
        *emotions(turns),
    ]
    return [measure for measure in found if measure.applies.any()]


def errors(references: Sequence[Sequence[str]], heard: Sequence[Sequence[str]]) -> Floats:
    """(texts, 4): substitutions, insertions, deletions, tokens of the reference."""
    kinds = ("substitutions", "insertions", "deletions", "num_ref_tokens")
    rows = [[score[kind] for kind in kinds] for score in word_edits(references, heard)]
    return np.array(rows, np.float64).reshape(-1, len(kinds))


def _rate(counts: Floats, *columns: int) -> Floats:
    """Of `errors`: (texts, [sum of the columns, tokens])."""
    return np.stack([counts[:, columns].sum(1), counts[:, -1]], 1)


def _word_errors(turns: Sequence[Turn]) -> Iterator[Measure]:
    texts = np.array([bool(t.recording.text) for t in turns])
    said = [t.recording.text for t in turns]
    heard = [t.open.text if t.recording.text else "" for t in turns]
    words = errors([s.split() for s in said], [h.split() for h in heard])
    letters = errors([list(s) for s in said], [list(h) for h in heard])
    for key, name, tally in (
        ("wer", "words wrong (WER)", _rate(words, 0, 1, 2)),
        ("substitutions", "  another word", _rate(words, 0)),
        ("insertions", "  a word too many", _rate(words, 1)),
        ("deletions", "  a word missing", _rate(words, 2)),
        ("cer", "letters wrong (CER)", _rate(letters, 0, 1, 2)),
    ):
        yield Measure("open", key, name, texts, tally, share, less_is_better=True)


def _answers(
    section: Section, turns: Sequence[Turn], heard: Sequence[Transcript | None]
) -> Iterator[Measure]:
    """Whole turns right, by sort of answer, and how honest the confidence is."""
    there = np.array([t is not None for t in heard])
    texts = [t.text if t else "" for t in heard]
    sorts = np.array([t.sort for t in turns])
    correct = np.array(
        [bool(h) and right(t.sort, t.recording.text, h) for t, h in zip(turns, texts, strict=True)]
    )
    sure = np.array([t.confidence if t else 0.0 for t in heard])
    silent = np.array([not text for text in texts])
    yield _counted(section, "turns_right", "turns wholly right", there, correct)
    for sort, name in ANSWERS.items():
        if sort == "open" and section == "open":
            continue  # likely phrases are a way of asking, not a sort of answer
        yield _counted(section, f"{sort}_right", name, there & (sorts == sort), correct)
    yield _digits(section, turns, texts, there & (sorts == "digits"))
    yield _counted(section, "abstained", "nothing heard", there, silent, less_is_better=True)
    yield Measure(
        section, "ece", "confidence: calibration error (ECE)", there,
        calibration_tally(sure, correct), calibration_error, less_is_better=True,
    )  # fmt: skip


def _digits(
    section: Section, turns: Sequence[Turn], texts: Sequence[str], there: NDArray[np.bool_]
) -> Measure:
    """Digits right: 1 minus the edits of the best alignment for each digit that was said."""
    said = [unrolled(t.recording.text) if n else [] for t, n in zip(turns, there, strict=True)]
    heard = [unrolled(text) if n else [] for text, n in zip(texts, there, strict=True)]
    wrong = _rate(errors(said, heard), 0, 1, 2)
    tally = np.stack([wrong[:, 1] - wrong[:, 0], wrong[:, 1]], 1)
    return Measure(section, "digits_accuracy", "digits right, each", there, tally, share)


def _counted(
    section: Section,
    key: str,
    name: str,
    there: NDArray[np.bool_],
    which: NDArray[np.bool_],
    less_is_better: bool = False,
) -> Measure:
    tally = np.stack([which, np.ones(len(which))], 1).astype(np.float64)
    return Measure(section, key, name, there, tally, share, less_is_better)


def verdict(turn: Turn) -> Emotion | None:
    """The likeliest emotion; None where the head abstained."""
    if not turn.emotion:
        return None
    return max(turn.emotion.items(), key=lambda pair: pair[1])[0]


def judged(turns: Sequence[Turn]) -> list[tuple[int, int]]:
    """(emotion, verdict) of the turns where both are to be had, as indices."""
    return [
        (EMOTIONS.index(t.recording.emotion), _column(verdict(t)))
        for t in turns
        if t.recording.emotion and t.emotion is not None
    ]


def _column(heard: Emotion | None) -> int:
    return ABSTAINED if heard is None else EMOTIONS.index(heard)


def confusion(turns: Sequence[Turn]) -> NDArray[np.int64]:
    """(7 said, 8 heard), the last column for abstentions."""
    truth, heard = zip(*judged(turns), strict=True)
    table: NDArray[np.int64] = confusion_matrix(truth, heard, labels=range(ABSTAINED + 1))
    return table[:ABSTAINED]


def emotions(turns: Sequence[Turn]) -> Iterator[Measure]:
    there = np.array([t.recording.emotion is not None and t.emotion is not None for t in turns])
    verdicts = [verdict(t) for t in turns]
    answered = there & np.array([v is not None for v in verdicts])
    each = np.zeros((len(turns), ABSTAINED * (ABSTAINED + 1)))  # a confusion table each
    for index, (said, heard) in zip(np.flatnonzero(there), judged(turns), strict=True):
        each[index, said * (ABSTAINED + 1) + heard] = 1
    for key, name, formula in (
        ("ua", "UA: mean recall", recall),
        ("ua_answered", "  of those answered", _of_answered(recall)),
        ("f1", "macro-F1", f1),
        ("f1_answered", "  of those answered", _of_answered(f1)),
    ):
        yield Measure("emotion", key, name, there, each, formula)
    silent = there & ~answered
    yield _counted("emotion", "abstained", "no verdict", there, silent, less_is_better=True)
    sure = np.array([max((t.emotion or {}).values(), default=0.0) for t in turns])
    correct = np.array([v == t.recording.emotion for v, t in zip(verdicts, turns, strict=True)])
    yield Measure(
        "emotion", "ece", "chances: calibration error (ECE)", answered,
        calibration_tally(sure, correct), calibration_error, less_is_better=True,
    )  # fmt: skip


def _table(sums: Floats) -> Floats:
    """(.., 56) -> (.., 7, 8)."""
    return sums.reshape(*sums.shape[:-1], ABSTAINED, ABSTAINED + 1)


def _of_answered(formula: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    def of_answered(sums: Floats) -> Floats:
        table = _table(sums).copy()
        table[..., ABSTAINED] = 0
        return formula(table.reshape(sums.shape))

    return of_answered


def recall(sums: Floats) -> Floats:
    """UA: the mean over emotions that occur of the share that was recognised."""
    table = _table(sums)
    return _mean(_diagonal(table) / table.sum(-1))


def f1(sums: Floats) -> Floats:
    """Macro-F1 over the emotions that occur; an abstention is a miss."""
    table = _table(sums)
    said, heard = table.sum(-1), table[..., :ABSTAINED].sum(-2)
    score = 2 * _diagonal(table) / (said + heard)
    return _mean(np.where(said > 0, score, np.nan))


def _diagonal(table: Floats) -> Floats:
    return np.diagonal(table, axis1=-2, axis2=-1)


def _mean(scores: Floats) -> Floats:
    """Over the last axis, of what is a number; NaN where nothing is."""
    known = ~np.isnan(scores)
    total: Floats = np.where(known, scores, 0).sum(-1) / known.sum(-1)
    return total
