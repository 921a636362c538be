"""Things are done in the order of their times, however late one looks."""

from __future__ import annotations

from agent.lab.bench.timer_queue import TimerQueue


def test_what_is_due_is_done_in_order_and_again_when_it_says_so():
    agenda, done = TimerQueue(), []

    def every(period, name):
        def action(due):
            done.append((name, due))
            return due + period

        return action

    agenda.add(2.0, every(2, "b"))
    agenda.add(1.0, every(1, "a"))
    agenda.add(1.5, lambda due: done.append(("once", due)))
    assert agenda.run_due(0.9) == 1.0
    assert done == []
    assert agenda.run_due(3.0) == 4.0
    assert done == [("a", 1.0), ("once", 1.5), ("b", 2.0), ("a", 2.0), ("a", 3.0)]


def test_an_action_may_add_others_that_are_due_already():
    agenda, done = TimerQueue(), []
    agenda.add(1.0, lambda due: agenda.add(0.5, done.append))
    assert agenda.run_due(1.0) is None
    assert done == [0.5]
