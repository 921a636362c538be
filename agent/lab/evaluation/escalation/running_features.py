"""Running features of a score within each conversation: every row looks back, none ahead.

Held by tests/agent/lab/evaluation/test_escalation.py: what follows a turn never changes its row.
"""

from __future__ import annotations

import numpy as np

from agent.lab.arrays import FloatArray, IntArray

RUNNING_MEAN_DECAY = 0.6  # weight of the running mean at each new turn


def running_features(scores: FloatArray, conversation: IntArray) -> FloatArray:
    """(rows, 6): running mean, highest, mean before, one before, two before, rise over the mean.

    `conversation` is the number of each row's conversation, whose rows are adjacent, in order.
    """
    found = np.zeros((len(scores), 6))
    begin, total, mean, highest = 0, 0.0, 0.0, 0.0
    for row, now in enumerate(scores):
        if row == 0 or conversation[row] != conversation[row - 1]:
            begin, total, mean, highest = row, 0.0, now, now
        past = row - begin
        mean = RUNNING_MEAN_DECAY * mean + (1.0 - RUNNING_MEAN_DECAY) * now
        highest = max(highest, now)
        before = total / past if past else now
        one = scores[row - 1] if past else now
        two = scores[row - 2] if past > 1 else one
        found[row] = mean, highest, before, one, two, now - before
        total += now
    return found


def conversation_summary(scores: FloatArray, conversation: IntArray) -> FloatArray:
    """(conversations, 4): highest, mean, mean of the two highest, and last score.

    In the order of the conversations' first rows; for judgements after the end.
    """
    starts = np.flatnonzero(np.r_[True, conversation[1:] != conversation[:-1]])
    found = []
    for part in np.split(scores, starts[1:]):
        ranked = np.sort(part)[::-1]
        found.append([ranked[0], part.mean(), ranked[:2].mean(), part[-1]])
    return np.array(found)
