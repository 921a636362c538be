"""The metrics that are more than a number that is set."""

from __future__ import annotations

from agent.runtime.metrics import Metrics


def test_restarts_of_the_models_are_a_counter_that_follows_the_engine():
    metrics = Metrics()
    for total in (0, 2, 2, 3):
        metrics.count_models_restarts(total)
    assert "hearken_models_restarts_total 3.0" in metrics.exposition().decode()
