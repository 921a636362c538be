"""Terminal and JSON rendering of an `EncoderComparison`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.lab.bench.encoder_comparison import (
    MIN_SPEEDUP,
    OUR_METHODS,
    EncoderComparison,
    MethodResult,
)
from agent.lab.bench.roofline import MIN_EFFICIENCY, Roofline
from agent.lab.goals import Goal, goals_table

METHOD_LABELS = {
    "streaming": "Hearken, one voice",
    "company": "Hearken, {streams} voices at once",
    "streaming-fp32": "Hearken, one voice, float32",
    "again": "transformers, whole turn again",
    "again-bf16": "transformers, the same, bfloat16",
    "window": "transformers, last 2 s again",
    "pipeline": "transformers, its pipeline",
    "speechbrain": "speechbrain, whole turn again",
}


def print_comparison(comparison: EncoderComparison, name: str, console: Console) -> None:
    console.print(_comparison_table(comparison, name))
    for line in (*_notes(comparison), *_roofline_lines(comparison.roofline)):
        console.print(line, highlight=False)
    if goals := encoder_goals(comparison):
        console.print(goals_table(goals))
    console.print(comparison.machine.summary, highlight=False)


def _comparison_table(comparison: EncoderComparison, name: str) -> Table:
    title = f"Transcribing a live voice with {escape(name)}, one thread"
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.add_column("method", no_wrap=True)
    lengths = [f"{cost.seconds:g} s" for cost in comparison.results[0].costs]
    for heading in (*lengths, "x ours", "step", "end", "apart", "same %"):
        table.add_column(heading, justify="right")
    for row in comparison.results:
        last, times = row.costs[-1], comparison.cpu_ratio(row)
        table.add_row(
            METHOD_LABELS[row.name].format(streams=row.streams),
            *(f"{1000 * cost.cpu:.1f}" for cost in row.costs),
            "-" if times is None else f"{times:.1f}",
            f"{1000 * last.step_cpu_s:.1f}",
            f"{1000 * last.end_s:.0f}",
            f"{row.largest:.0e}",
            f"{100 * row.same:.1f}",
        )
    return table


def _notes(comparison: EncoderComparison) -> Iterator[str]:
    longest = comparison.results[0].costs[-1].seconds
    yield (
        "CPU milliseconds per second of audio and voice, in turns of these lengths, and how many "
        f"times ours that is; median of {comparison.repeat}. For the turn of {longest:g} s, in "
        "milliseconds: step is the CPU of the last hop that gave text, end the wait from the "
        "last packet to the last letters, which for ours includes the search for words (in "
        "company, for the words of all). apart is the largest difference of a log probability from "
        "the whole turn encoded at once, same the frames with the same likeliest letter."
    )
    if comparison.streams_exactly:
        yield (
            "Ours is compared with the mask that this checkpoint was trained with; the others with "
            "transformers' own forward, which has no such mask: the same weights and the same "
            "work, but not what they were trained for."
        )
    naive = comparison.find_result("again")
    if naive is not None and (times := comparison.cpu_ratio(naive, "company")) is not None:
        yield f"In company ours takes {times:.0f} times less CPU than encoding all again."
    yield from _text_intervals(comparison)


def _text_intervals(comparison: EncoderComparison) -> Iterator[str]:
    ours = {1000 * row.text_s for row in comparison.results if row.name in OUR_METHODS}
    others = {1000 * row.text_s for row in comparison.results} - ours
    every = " or ".join(f"{ms:.0f}" for ms in sorted(ours | others))
    if ours and others:
        (own,) = ours
        every = f"{every} ms, ours every {own:.0f}"
        yield f"[yellow]note[/] Not all methods give text equally often: every {every} ms."
    else:
        yield f"Text comes every {every} ms."


def encoder_goals(comparison: EncoderComparison) -> list[Goal]:
    """Those of the goals for which there are measurements."""
    goals = []
    naive = comparison.find_result("again")
    if naive is not None and (times := comparison.cpu_ratio(naive)) is not None:
        seconds = naive.costs[-1].seconds
        name = f"CPU of encoding all {seconds:g} s again for each hop, over ours"
        goals.append(Goal.at_least(name, MIN_SPEEDUP, times, "times"))
    if comparison.roofline is not None:
        name, efficiency = "share of the machine's matrix rate", comparison.roofline.efficiency
        goals.append(Goal.at_least(name, MIN_EFFICIENCY, efficiency))
    return goals


def _roofline_lines(roofline: Roofline | None) -> Iterator[str]:
    if roofline is not None:
        yield (
            f"A step of {roofline.streams} voices x {roofline.frames} frames takes "
            f"{1000 * roofline.step_s:.1f} ms; its {roofline.work.total / 1e9:.2f} GFLOP alone, at "
            f"the {roofline.rate / 1e9:.0f} GFLOP/s of large {roofline.dtype} products, "
            f"{1000 * roofline.bound_s:.1f} ms."
        )


def comparison_json(comparison: EncoderComparison, name: str) -> dict[str, Any]:
    """Every figure, in seconds, and the ratios derived from them."""
    roofline = comparison.roofline
    return {
        "checkpoint": name,
        "machine": asdict(comparison.machine),
        "repeat": comparison.repeat,
        "ways": [_result_json(comparison, row) for row in comparison.results],
        "floor": None
        if roofline is None
        else asdict(roofline)
        | {"flop": roofline.work.total, "floor_s": roofline.bound_s, "share": roofline.efficiency},
    }


def _result_json(comparison: EncoderComparison, result: MethodResult) -> dict[str, Any]:
    times = None if result.name in OUR_METHODS else comparison.cpu_ratio(result)
    return asdict(result) | {"times_ours": times}
