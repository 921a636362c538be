"""Terminal rendering of a `SpeechReport`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.lab.evaluation.contenders import AnalysedTurn
from agent.lab.evaluation.speech_metrics import emotion_confusion, emotion_pairs
from agent.lab.evaluation.speech_report import (
    ContenderScores,
    SpeechReport,
)
from agent.lab.evaluation.tally_metric import MetricSection, TallyMetric
from agent.lab.evaluation.worst_turns import print_worst_turns
from agent.lab.statistics import Estimate, interval_note
from audio.types import EMOTIONS, Expectation

SECTION_TITLES: dict[MetricSection, str] = {
    "open": "Words, when nothing was asked",
    "asked": "Words, when the ears knew the question",
    "emotion": "Emotion",
}
# The metric of each section that is shown for groups of speakers.
GROUP_METRICS = {"open.wer": "words wrong", "asked.turns_right": "asked, right", "emotion.ua": "UA"}
MAX_BAD_LINES_SHOWN = 5
TOO_FEW_TEXT = "too few to say"


def print_speech_report(report: SpeechReport, console: Console) -> None:
    console.print(f"{report.settings.manifest.name}: {_scope_text(report)}", highlight=False)
    for note in report.notes:
        console.print(f"[yellow]note[/] {escape(note)}", highlight=False)
    _print_bad_lines(report, console)
    for one in report.contender_scores:
        console.print(_models_line(one), highlight=False)
    for section, title in SECTION_TITLES.items():
        if any(m.section == section for m in report.contender_scores[0].metrics):
            if section == "asked":
                console.print(f"[bold]Asked[/]: {_questions_text(report)}", highlight=False)
            console.print(_metrics_table(report, section, title))
    for one in report.contender_scores:
        name = _contender_name(one) if len(report.contender_scores) > 1 else ""
        _print_details(one, name, console)
    if report.streaming_comparison:
        _print_streaming(report, console)
    print_worst_turns(report.contender_scores[0].result.turns, console)


def _scope_text(report: SpeechReport) -> str:
    turns = report.contender_scores[0].result.turns
    seconds, speakers = sum(t.seconds for t in turns), len({r.speaker for r in report.recordings})
    limited = f"; --limit {report.settings.limit}" if report.settings.limit else ""
    through = "through 8 kHz mu-law" if report.settings.telephone else "as recorded"
    voices = f"{speakers} speaker{'' if speakers == 1 else 's'}"
    return (
        f"{report.selection}{limited}. Analysed: {len(turns)} recordings of {voices}, "
        f"{seconds:.0f} s with a quarter second of quiet around each, {through}."
    )


def _print_bad_lines(report: SpeechReport, console: Console) -> None:
    if not report.bad_lines:
        return
    name, many = escape(report.settings.manifest.name), len(report.bad_lines)
    console.print(f"[red]{many} bad {'line' if many == 1 else 'lines'}[/], left out:")
    for flaw in report.bad_lines[:MAX_BAD_LINES_SHOWN]:
        console.print(f"  {name}:{flaw.line}: {escape(flaw.problem)}", highlight=False)
    if many > MAX_BAD_LINES_SHOWN:
        console.print(
            f"  and {many - MAX_BAD_LINES_SHOWN} more; --json lists them all", highlight=False
        )


def _models_line(scores: ContenderScores) -> str:
    used = "; ".join(
        f"{role} {escape(model.name)} ({model.sha256}, {model.streaming})"
        for role, model in scores.result.models.items()
    )
    return (
        f"[bold]{_contender_name(scores)}[/]: {used}. {scores.result.real_time_factor:.3f} CPU "
        "seconds for a second of sound, on one thread of this machine"
    )


def _contender_name(scores: ContenderScores) -> str:
    return escape(scores.result.contender.name)


def _questions_text(report: SpeechReport) -> str:
    """For example: 32 times one of 5 phrases, 4 times digits of known length."""
    turns = report.contender_scores[0].result.turns
    questions = Counter(_question_text(turn.expectation) for turn in turns if turn.expectation)
    return ", ".join(f"{many} times {what}" for what, many in questions.most_common())


def _question_text(expectation: Expectation) -> str:
    phrases = f" of {len(expectation.choices)} phrases" if expectation.choices else ""
    known = " of known length" if expectation.length else ""
    kind = {"yes_no": "yes or no", "choice": "one", "open": "likely ones"}.get(
        expectation.kind, expectation.kind
    )
    return f"{kind}{phrases}{known}"


def _metrics_table(report: SpeechReport, section: MetricSection, title: str) -> Table:
    first, *others = report.contender_scores
    table = Table(
        title=title, title_justify="left", title_style="bold",
        caption=interval_note("speakers"), caption_justify="left",
    )  # fmt: skip
    for heading in (
        "figure (95 %)",
        _contender_name(first),
        *(_contender_name(other) for other in others),
    ):
        table.add_column(heading, overflow="fold")
    for other in others:
        whose = f", {_contender_name(other)}" if len(others) > 1 else ""
        table.add_column(f"difference to {_contender_name(first)}{whose}", overflow="fold")
    table.add_column("recordings", justify="right")
    table.add_column("speakers", justify="right")
    for m in first.metrics:
        if m.section == section:
            found = first.estimates[m.id]
            cells = [_estimate_text(m, one.estimates.get(m.id)) for one in report.contender_scores]
            gaps = [_difference_text(m, other.differences.get(m.id)) for other in others]
            table.add_row(m.name, *cells, *gaps, str(found.rows), str(found.clusters))
    return table


def _estimate_text(metric: TallyMetric, estimate: Estimate | None) -> str:
    if estimate is None or not estimate.is_known:
        return "-"
    value = _value_text(metric, estimate.value)
    if estimate.has_few_clusters:
        return f"{value} ({TOO_FEW_TEXT})"
    if (
        estimate.low == estimate.high
    ):  # all right or all wrong: a bootstrap has no interval for that
        return f"{value} (in every draw)"
    if metric.key == "ece":
        return f"{value} ({estimate.low:.3f} to {estimate.high:.3f})"
    return f"{value} ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def _value_text(metric: TallyMetric, value: float) -> str:
    return f"{value:.3f}" if metric.key == "ece" else f"{100 * value:.1f} %"


def _difference_text(metric: TallyMetric, difference: Estimate | None) -> str:
    if difference is None or not difference.is_known:
        return "-"
    scale, digits = (1, 3) if metric.key == "ece" else (100, 1)
    value, low, high = (
        f"{scale * x:+.{digits}f}" for x in (difference.value, difference.low, difference.high)
    )
    if difference.has_few_clusters:
        return f"{value} ({TOO_FEW_TEXT})"
    certain = difference.low > 0 or difference.high < 0
    better = (difference.value < 0) == metric.less_is_better
    verdict = ("[green]better[/]" if better else "[red]worse[/]") if certain else "unclear"
    return f"{value} ({low} to {high}) {verdict}"


def _print_details(scores: ContenderScores, name: str, console: Console) -> None:
    groups = _groups_table(scores, f"By group{', ' + name if name else ''}")
    if groups.row_count:
        console.print(groups)
    if emotion_pairs(scores.result.turns):
        console.print(
            _confusion_table(
                scores.result.turns, f"Emotions recognised{', ' + name if name else ''}"
            )
        )


def _groups_table(scores: ContenderScores, title: str) -> Table:
    shown = {key: name for key, name in GROUP_METRICS.items() if key in scores.estimates}
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("group", "", "recordings", "speakers", *shown.values()):
        table.add_column(heading)
    last = ""
    for (group, value), found in scores.groups.items():
        inside = [
            t.recording for t in scores.result.turns if t.recording.groups.get(group) == value
        ]
        if len(inside) == len(scores.result.turns):
            continue  # the group is the whole set
        by_id = {m.id: m for m in scores.metrics}
        cells = [_group_cell(by_id[key], found[key]) for key in shown]
        count = len({r.speaker for r in inside})
        heading, last = (group if group != last else ""), group
        table.add_row(heading, escape(value), str(len(inside)), str(count), *cells)
    return table


def _group_cell(metric: TallyMetric, estimate: Estimate) -> str:
    if not estimate.rows:
        return "-"
    return TOO_FEW_TEXT if estimate.has_few_clusters else _estimate_text(metric, estimate)


def _confusion_table(turns: Sequence[AnalysedTurn], title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("acted \\ recognised", *EMOTIONS, "no verdict", "recall"):
        table.add_column(heading, justify="right")
    for emotion, row in zip(EMOTIONS, emotion_confusion(turns), strict=True):
        if row.sum():
            recall = row[EMOTIONS.index(emotion)] / row.sum()
            table.add_row(emotion, *(str(n) if n else "." for n in row), f"{100 * recall:.0f} %")
    return table


def _print_streaming(report: SpeechReport, console: Console) -> None:
    for line in _streaming_lines(report):
        console.print(line, highlight=False)


def _streaming_lines(report: SpeechReport) -> Iterator[str]:
    found = report.streaming_comparison
    assert found is not None
    yield f"[bold]Streamed in 200 ms packets against whole turns[/], {found.recordings} recordings"
    yield f"  same text, open: {100 * found.same_open:.1f} %"
    if found.same_asked is not None:
        yield f"  same text, asked: {100 * found.same_asked:.1f} %"
    yield f"  same likeliest letter or phone: {100 * found.same_frames:.2f} % of frames"
    yield f"  largest difference of any log probability: {found.largest:.1e}"
    if found.ua_streamed is not None and found.ua_whole is not None:
        gap = 100 * (found.ua_streamed - found.ua_whole)
        yield f"  UA streamed {100 * found.ua_streamed:.1f} %, difference {gap:+.1f}"
