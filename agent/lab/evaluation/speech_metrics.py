"""Metrics of analysed turns: word errors, right answers, emotion and calibration.

Held by tests/agent/lab/evaluation/test_scores.py against values worked out by hand and against
scikit-learn's own recall and F1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.metrics import confusion_matrix  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, FloatArray, IntArray
from agent.lab.evaluation.contenders import AnalysedTurn
from agent.lab.evaluation.expected_questions import expand_digit_words, is_right_answer
from agent.lab.evaluation.tally_metric import MetricSection, TallyMetric
from agent.lab.metrics import SumFormula, f1_of_sums, ratio_of_sums, recall_of_sums
from agent.lab.training.ears.word_errors import word_edits
from agent.understanding.calibration import calibration_tally, error_of_tally
from audio.types import EMOTIONS, Emotion, Transcript

NO_VERDICT_COLUMN = len(EMOTIONS)  # the column of the confusion table for no verdict
ANSWER_LABELS = {
    "choice": "keywords or choices right",
    "name": "names right",
    "digits": "numbers wholly right",
    "yes_no": "yes or no right",
    "amount": "amounts right",
    "date": "dates right",
    "open": "likely phrases: wholly right",
}


def all_metrics(turns: Sequence[AnalysedTurn]) -> list[TallyMetric]:
    """All metrics that apply to at least one recording, in the order of the tables."""
    metrics = [
        *_word_error_metrics(turns),
        *_answer_metrics(
            "open", turns, [t.open_transcript if t.recording.text else None for t in turns]
        ),
        *_answer_metrics("asked", turns, [t.answer_transcript for t in turns]),
        *emotion_metrics(turns),
    ]
    return [measure for measure in metrics if measure.applies.any()]


def edit_counts(
    references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]
) -> FloatArray:
    """(texts, 4): substitutions, insertions, deletions, and tokens of the reference."""
    kinds = ("substitutions", "insertions", "deletions", "num_ref_tokens")
    rows = [[score[kind] for kind in kinds] for score in word_edits(references, hypotheses)]
    return np.array(rows, np.float64).reshape(-1, len(kinds))


def _error_tally(counts: FloatArray, *columns: int) -> FloatArray:
    """(texts, [sum of these columns of `edit_counts`, tokens])."""
    return np.stack([counts[:, columns].sum(1), counts[:, -1]], 1)


def _word_error_metrics(turns: Sequence[AnalysedTurn]) -> Iterator[TallyMetric]:
    texts = np.array([bool(t.recording.text) for t in turns])
    references = [t.recording.text for t in turns]
    hypotheses = [t.open_transcript.text if t.recording.text else "" for t in turns]
    words = edit_counts([s.split() for s in references], [h.split() for h in hypotheses])
    letters = edit_counts([list(s) for s in references], [list(h) for h in hypotheses])
    for key, name, tally in (
        ("wer", "words wrong (WER)", _error_tally(words, 0, 1, 2)),
        ("substitutions", "  another word", _error_tally(words, 0)),
        ("insertions", "  a word too many", _error_tally(words, 1)),
        ("deletions", "  a word missing", _error_tally(words, 2)),
        ("cer", "letters wrong (CER)", _error_tally(letters, 0, 1, 2)),
    ):
        yield TallyMetric("open", key, name, texts, tally, ratio_of_sums, less_is_better=True)


def _answer_metrics(
    section: MetricSection, turns: Sequence[AnalysedTurn], transcripts: Sequence[Transcript | None]
) -> Iterator[TallyMetric]:
    """Wholly right turns by kind of answer, abstentions, and calibration of the confidence."""
    there = np.array([t is not None for t in transcripts])
    texts = [t.text if t else "" for t in transcripts]
    sorts = np.array([t.answer_kind for t in turns])
    correct = np.array(
        [
            bool(h) and is_right_answer(t.answer_kind, t.recording.text, h)
            for t, h in zip(turns, texts, strict=True)
        ]
    )
    sure = np.array([t.confidence if t else 0.0 for t in transcripts])
    silent = np.array([not text for text in texts])
    yield _share_metric(section, "turns_right", "turns wholly right", there, correct)
    for sort, name in ANSWER_LABELS.items():
        if sort == "open" and section == "open":
            continue  # without a question, no turn answers an open one
        yield _share_metric(section, f"{sort}_right", name, there & (sorts == sort), correct)
    yield _digits_metric(section, turns, texts, there & (sorts == "digits"))
    yield _share_metric(
        section, "abstained", "no text recognised", there, silent, less_is_better=True
    )
    yield TallyMetric(
        section, "ece", "confidence: calibration error (ECE)", there,
        calibration_tally(sure, correct), error_of_tally, less_is_better=True,
    )  # fmt: skip


def _digits_metric(
    section: MetricSection,
    turns: Sequence[AnalysedTurn],
    texts: Sequence[str],
    there: BoolArray,
) -> TallyMetric:
    """Digit accuracy: 1 minus the edits of the best alignment per digit of the reference."""
    said = [
        expand_digit_words(t.recording.text) if n else [] for t, n in zip(turns, there, strict=True)
    ]
    heard = [expand_digit_words(text) if n else [] for text, n in zip(texts, there, strict=True)]
    wrong = _error_tally(edit_counts(said, heard), 0, 1, 2)
    tally = np.stack([wrong[:, 1] - wrong[:, 0], wrong[:, 1]], 1)
    return TallyMetric(
        section, "digits_accuracy", "digits right, each", there, tally, ratio_of_sums
    )


def _share_metric(
    section: MetricSection,
    key: str,
    name: str,
    applies: BoolArray,
    holds: BoolArray,
    less_is_better: bool = False,
) -> TallyMetric:
    tally = np.stack([holds, np.ones(len(holds))], 1).astype(np.float64)
    return TallyMetric(section, key, name, applies, tally, ratio_of_sums, less_is_better)


def emotion_verdict(turn: AnalysedTurn) -> Emotion | None:
    """The most probable emotion; None where the head abstained."""
    if not turn.emotion:
        return None
    return max(turn.emotion.items(), key=lambda pair: pair[1])[0]


def emotion_pairs(turns: Sequence[AnalysedTurn]) -> list[tuple[int, int]]:
    """(emotion, verdict) as indices, for the turns that have both."""
    return [
        (EMOTIONS.index(t.recording.emotion), _verdict_column(emotion_verdict(t)))
        for t in turns
        if t.recording.emotion and t.emotion is not None
    ]


def _verdict_column(emotion: Emotion | None) -> int:
    return NO_VERDICT_COLUMN if emotion is None else EMOTIONS.index(emotion)


def emotion_confusion(turns: Sequence[AnalysedTurn]) -> IntArray:
    """Confusion table (7 true, 8 predicted); the last column counts abstentions."""
    truth, heard = zip(*emotion_pairs(turns), strict=True)
    table: IntArray = confusion_matrix(truth, heard, labels=range(NO_VERDICT_COLUMN + 1))
    return table[:NO_VERDICT_COLUMN]


def emotion_metrics(turns: Sequence[AnalysedTurn]) -> Iterator[TallyMetric]:
    there = np.array([t.recording.emotion is not None and t.emotion is not None for t in turns])
    verdicts = [emotion_verdict(t) for t in turns]
    answered = there & np.array([v is not None for v in verdicts])
    each = np.zeros(
        (len(turns), NO_VERDICT_COLUMN * (NO_VERDICT_COLUMN + 1))
    )  # a confusion table per turn
    for index, (said, heard) in zip(np.flatnonzero(there), emotion_pairs(turns), strict=True):
        each[index, said * (NO_VERDICT_COLUMN + 1) + heard] = 1
    for key, name, formula in (
        ("ua", "UA: mean recall", mean_recall),
        ("ua_answered", "  of those answered", _of_answered_turns(mean_recall)),
        ("f1", "macro-F1", macro_f1),
        ("f1_answered", "  of those answered", _of_answered_turns(macro_f1)),
    ):
        yield TallyMetric("emotion", key, name, there, each, formula)
    silent = there & ~answered
    yield _share_metric("emotion", "abstained", "no verdict", there, silent, less_is_better=True)
    sure = np.array([max((t.emotion or {}).values(), default=0.0) for t in turns])
    correct = np.array([v == t.recording.emotion for v, t in zip(verdicts, turns, strict=True)])
    yield TallyMetric(
        "emotion", "ece", "probabilities: calibration error (ECE)", answered,
        calibration_tally(sure, correct), error_of_tally, less_is_better=True,
    )  # fmt: skip


def _confusion_of_sums(sums: FloatArray) -> FloatArray:
    """(.., 56) -> (.., 7, 8)."""
    return sums.reshape(*sums.shape[:-1], NO_VERDICT_COLUMN, NO_VERDICT_COLUMN + 1)


def _of_answered_turns(formula: SumFormula) -> SumFormula:
    def of_answered(sums: FloatArray) -> FloatArray:
        table = _confusion_of_sums(sums).copy()
        table[..., NO_VERDICT_COLUMN] = 0
        return formula(table.reshape(sums.shape))

    return of_answered


def mean_recall(sums: FloatArray) -> FloatArray:
    """UA (unweighted average recall): the mean recall over the emotions that occur."""
    table = _confusion_of_sums(sums)
    return recall_of_sums(_diagonal(table), table.sum(-1))


def macro_f1(sums: FloatArray) -> FloatArray:
    """Macro-F1 over the emotions that occur; an abstention is a miss."""
    table = _confusion_of_sums(sums)
    decided = table[..., :NO_VERDICT_COLUMN].sum(-2)
    return f1_of_sums(_diagonal(table), table.sum(-1), decided)


def _diagonal(table: FloatArray) -> FloatArray:
    return np.diagonal(table, axis1=-2, axis2=-1)
