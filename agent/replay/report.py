"""How is a replay told: to a person, to a program, to continuous integration?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.replay.diff import Change, followed
from agent.replay.verdict import Replayed
from agent.replay.what_if import Outcome, calls
from dialogs.pack.model import Costs

STYLES = {"identical": "green", "same": "green", "different": "red", "error": "bold red"}
SHOWN = 8  # changes of one recording that are listed


def show(found: Sequence[Replayed], console: Console, full: bool = False) -> None:
    """A line for each recording; for those that differ, the first divergence and what followed."""
    for one in found:
        line = Text(f"{one.verdict:<10}", style=STYLES[one.verdict])
        line.append(f" {one.name}", style="bold")
        line.append(f"  {one.seconds:.0f} s in {one.took_s:.2f} s", style="dim")
        if one.run.borrowed:
            line.append(f"  {one.run.borrowed} turns as recorded: sound not kept", style="dim")
        console.print(line)
        for told in one.told():
            console.print(f"    {told}", markup=False, highlight=False, soft_wrap=True)
        for change in one.changes[1:] if full else ():
            console.print(f"      {change}", markup=False, highlight=False, soft_wrap=True)
    console.print(Text(summary(found), style="bold"))


def summary(found: Sequence[Replayed]) -> str:
    took = sum(one.took_s for one in found)
    passed = sum(one.passed for one in found)
    hours = sum(one.seconds for one in found) / 3600
    return f"{passed} of {len(found)} as recorded; {hours:.2f} h of conversation in {took:.1f} s"


def show_comparison(
    name: str, found: Mapping[str, Sequence[Change]], since: Sequence[str], console: Console
) -> None:
    """What another build decides otherwise, by recording."""
    for one in since:
        console.print(f"{name}: {one}", style="dim", markup=False, soft_wrap=True)
    for recording, changes in found.items():
        verdict = "different" if changes else "same"
        line = Text(f"{verdict:<10}", style=STYLES[verdict])
        console.print(line.append(f" {recording}", style="bold"))
        for change in changes[:SHOWN]:
            console.print(f"    {change}", markup=False, highlight=False, soft_wrap=True)
        if len(changes) > SHOWN:
            rest = followed(changes[SHOWN - 1 :])
            console.print(f"    then: {rest}", markup=False, highlight=False, soft_wrap=True)
    other = sum(bool(changes) for changes in found.values())
    told = Text(f"{name} decides otherwise in {other} of {len(found)}", style="bold")
    console.print(told, soft_wrap=True)


def show_outcomes(
    name: str, found: Sequence[Outcome], now: Costs, then: Costs, console: Console
) -> None:
    """What another policy would have changed, and what that costs by the costs of each."""
    for one in found:
        for shift in one.shifts:
            console.print(f"{one.name}: {shift}", markup=False, highlight=False, soft_wrap=True)
        for told in one.missing:
            console.print(f"{one.name}: not recorded: {told}", style="yellow", markup=False)
    table = Table("", "as it is", f"with {name}", box=None, pad_edge=False)
    before, after = ([len(called) for called in side] for side in _sides(found))
    table.add_row("conversations", str(len(found)), str(len(found)))
    table.add_row("with a person called", str(sum(map(bool, before))), str(sum(map(bool, after))))
    table.add_row("calls", str(sum(before)), str(sum(after)))
    for what in ("gained", "lost", "earlier", "later"):
        count = sum(shift.what == what for one in found for shift in one.shifts)
        table.add_row(what, "", str(count))
    noted = [one.costs(now) for one in found if one.needed is not None]
    if noted:
        cost = [sum(pair[side] for pair in noted if pair) for side in (0, 1)]
        table.add_row(f"cost, of {len(noted)} noted", f"{cost[0]:g}", f"{cost[1]:g}")
    console.print(table)
    costs = f"missed: {now.missed:g}, needless: {now.needless:g}"
    if (then.missed, then.needless) != (now.missed, now.needless):
        costs += f"; the other policy says missed: {then.missed:g}, needless: {then.needless:g}"
    console.print(f"Costs as this pack has them ({costs}).", style="dim")
    if len(noted) < len(found):
        said = "`hearken recordings label RECORDING needed_person=yes` (or no) says what was right"
        console.print(f"{len(found) - len(noted)} not noted: {said}.", style="dim", markup=False)


def _sides(found: Sequence[Outcome]) -> tuple[list[Any], list[Any]]:
    return [one.before for one in found], [one.after for one in found]


def as_json(found: Sequence[Replayed]) -> dict[str, Any]:
    """Everything that was decided, for programs; `hearken replay --against` reads it, too."""
    return {
        "passed": all(one.passed for one in found),
        "recordings": [
            {
                "name": one.name,
                "session": one.session,
                "mode": one.mode,
                "verdict": one.verdict,
                "seconds": round(one.seconds, 3),
                "took_s": round(one.took_s, 3),
                "told": one.told(),
                "changes": [change_as_json(change) for change in one.changes],
                "missing": list(one.run.missing),
                "answers_as_recorded": one.run.borrowed,
                "escalations": [
                    {"rule": call.rule, "turn": call.turn, "at": call.at}
                    for call in calls(one.run.decisions)
                ],
                "decisions": [{"at": at} | what for at, what in one.run.decisions],
            }
            for one in found
        ],
    }


def change_as_json(change: Change) -> dict[str, Any]:
    return {
        "what": change.what,
        "kind": change.kind,
        "turn": change.turn,
        "at": change.at,
        "fields": {name: list(pair) for name, pair in change.fields.items()},
        "before": change.before,
        "after": change.after,
        "words": str(change),
    }


def write_junit(found: Sequence[Replayed], file: Path) -> None:
    """One test case for each recording."""
    suite = TestSuite("hearken replay")
    for one in found:
        case = TestCase(one.name, f"replay.{one.mode}", one.took_s)
        if not one.passed:
            kind = Error if one.verdict == "error" else Failure
            told = one.told()
            result = kind(told[0] if told else one.verdict, one.verdict)
            result.text = "\n".join([*told, *map(str, one.changes)])
            case.result = [result]
        suite.add_testcase(case)
    whole = JUnitXml()
    whole.add_testsuite(suite)
    file.parent.mkdir(parents=True, exist_ok=True)
    whole.write(str(file), pretty=True)
