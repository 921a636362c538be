"""How does a report look in a terminal?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import isnan

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.lab.evaluation.contenders import Turn
from agent.lab.evaluation.speaker_bootstrap import Figure, Measure, Section
from agent.lab.evaluation.speech_metrics import confusion, judged, verdict
from agent.lab.evaluation.speech_report import Report, Scored, taken, worst_emotions, worst_words
from audio.types import EMOTIONS, Expectation

TITLES: dict[Section, str] = {
    "open": "Words, when nothing was asked",
    "asked": "Words, when the ears knew the question",
    "emotion": "Emotion",
}
# The one figure of each section by which groups of speakers are told apart.
BY_GROUP = {"open.wer": "words wrong", "asked.turns_right": "asked, right", "emotion.ua": "UA"}
FLAWS = 5
FEW_WORDS = "too few to say"


def show(report: Report, console: Console) -> None:
    console.print(f"{report.setting.manifest.name}: {_scope(report)}", highlight=False)
    for note in report.notes:
        console.print(f"[yellow]note[/] {escape(note)}", highlight=False)
    _show_flaws(report, console)
    for one in report.scored:
        console.print(_models(one), highlight=False)
    for section, title in TITLES.items():
        if any(m.section == section for m in report.scored[0].measures):
            if section == "asked":
                console.print(f"[bold]Asked[/]: {_asked(report)}", highlight=False)
            console.print(_figures(report, section, title))
    for one in report.scored:
        name = _name(one) if len(report.scored) > 1 else ""
        _show_details(one, name, console)
    if report.streamed:
        _show_streamed(report, console)
    _show_worst(report.scored[0].measured.turns, console)


def _scope(report: Report) -> str:
    turns = report.scored[0].measured.turns
    seconds, speakers = sum(t.seconds for t in turns), len({r.speaker for r in report.recordings})
    limited = f"; --limit {report.setting.limit}" if report.setting.limit else ""
    through = "through 8 kHz mu-law" if report.setting.telephone else "as recorded"
    voices = f"{speakers} speaker{'' if speakers == 1 else 's'}"
    return (
        f"{report.picked}{limited}. Heard: {len(turns)} recordings of {voices}, "
        f"{seconds:.0f} s with a quarter second of quiet around each, {through}."
    )


def _show_flaws(report: Report, console: Console) -> None:
    if not report.flaws:
        return
    name, many = escape(report.setting.manifest.name), len(report.flaws)
    console.print(f"[red]{many} bad {'line' if many == 1 else 'lines'}[/], left out:")
    for flaw in report.flaws[:FLAWS]:
        console.print(f"  {name}:{flaw.line}: {escape(flaw.problem)}", highlight=False)
    if many > FLAWS:
        console.print(f"  and {many - FLAWS} more; --json lists them all", highlight=False)


def _models(one: Scored) -> str:
    used = "; ".join(
        f"{role} {escape(model.name)} ({model.sha256}, {model.streaming})"
        for role, model in one.measured.models.items()
    )
    return (
        f"[bold]{_name(one)}[/]: {used}. {one.measured.real_time:.3f} CPU seconds for a second of "
        "sound, on one thread of this machine"
    )


def _name(one: Scored) -> str:
    return escape(one.measured.contender.name)


def _asked(report: Report) -> str:
    """As in: 32 times one of 5 phrases, 4 times digits of known length."""
    turns = report.scored[0].measured.turns
    questions = Counter(_question(turn.question) for turn in turns if turn.question)
    return ", ".join(f"{many} times {what}" for what, many in questions.most_common())


def _question(asked: Expectation) -> str:
    phrases = f" of {len(asked.choices)} phrases" if asked.choices else ""
    known = " of known length" if asked.length else ""
    kind = {"yes_no": "yes or no", "choice": "one", "open": "likely ones"}.get(
        asked.kind, asked.kind
    )
    return f"{kind}{phrases}{known}"


def _figures(report: Report, section: Section, title: str) -> Table:
    first, *others = report.scored
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("figure (95 %)", _name(first), *(_name(other) for other in others)):
        table.add_column(heading, overflow="fold")
    for other in others:
        whose = f", {_name(other)}" if len(others) > 1 else ""
        table.add_column(f"difference to {_name(first)}{whose}", overflow="fold")
    table.add_column("recordings", justify="right")
    table.add_column("speakers", justify="right")
    for m in first.measures:
        if m.section == section:
            found = first.figures[m.id]
            cells = [_shown(m, one.figures.get(m.id)) for one in report.scored]
            gaps = [_gap(m, other.differences.get(m.id)) for other in others]
            table.add_row(m.name, *cells, *gaps, str(found.recordings), str(found.speakers))
    return table


def _shown(measure: Measure, found: Figure | None) -> str:
    if found is None or isnan(found.value):
        return "-"
    value = _value(measure, found.value)
    if found.few:
        return f"{value} ({FEW_WORDS})"
    if found.low == found.high:  # nobody erred, or everybody did: drawing cannot tell how rarely
        return f"{value} (in every draw)"
    if measure.key == "ece":
        return f"{value} ({found.low:.3f} to {found.high:.3f})"
    return f"{value} ({100 * found.low:.1f} to {100 * found.high:.1f})"


def _value(measure: Measure, value: float) -> str:
    return f"{value:.3f}" if measure.key == "ece" else f"{100 * value:.1f} %"


def _gap(measure: Measure, found: Figure | None) -> str:
    if found is None or isnan(found.value):
        return "-"
    scale, digits = (1, 3) if measure.key == "ece" else (100, 1)
    value, low, high = (f"{scale * x:+.{digits}f}" for x in (found.value, found.low, found.high))
    if found.few:
        return f"{value} ({FEW_WORDS})"
    certain = found.low > 0 or found.high < 0
    better = (found.value < 0) == measure.less_is_better
    verdict = ("[green]better[/]" if better else "[red]worse[/]") if certain else "unclear"
    return f"{value} ({low} to {high}) {verdict}"


def _show_details(one: Scored, name: str, console: Console) -> None:
    groups = _groups(one, f"By group{', ' + name if name else ''}")
    if groups.row_count:
        console.print(groups)
    if judged(one.measured.turns):
        console.print(
            _confusion(one.measured.turns, f"Emotions heard{', ' + name if name else ''}")
        )


def _groups(one: Scored, title: str) -> Table:
    shown = {key: name for key, name in BY_GROUP.items() if key in one.figures}
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("group", "", "recordings", "speakers", *shown.values()):
        table.add_column(heading)
    last = ""
    for (group, value), found in one.groups.items():
        inside = [t.recording for t in one.measured.turns if t.recording.groups.get(group) == value]
        if len(inside) == len(one.measured.turns):
            continue  # everybody
        by_id = {m.id: m for m in one.measures}
        cells = [_in_group(by_id[key], found[key]) for key in shown]
        count = len({r.speaker for r in inside})
        heading, last = (group if group != last else ""), group
        table.add_row(heading, escape(value), str(len(inside)), str(count), *cells)
    return table


def _in_group(measure: Measure, found: Figure) -> str:
    if not found.recordings:
        return "-"
    return FEW_WORDS if found.few else _shown(measure, found)


def _confusion(turns: Sequence[Turn], title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("acted \\ heard", *EMOTIONS, "no verdict", "recall"):
        table.add_column(heading, justify="right")
    for emotion, row in zip(EMOTIONS, confusion(turns), strict=True):
        if row.sum():
            recall = row[EMOTIONS.index(emotion)] / row.sum()
            table.add_row(emotion, *(str(n) if n else "." for n in row), f"{100 * recall:.0f} %")
    return table


def _show_streamed(report: Report, console: Console) -> None:
    for line in _streamed(report):
        console.print(line, highlight=False)


def _streamed(report: Report) -> Iterator[str]:
    found = report.streamed
    assert found is not None
    yield f"[bold]Streamed in 200 ms packets against heard whole[/], {found.recordings} recordings"
    yield f"  same text, open: {100 * found.same_open:.1f} %"
    if found.same_asked is not None:
        yield f"  same text, asked: {100 * found.same_asked:.1f} %"
    yield f"  same likeliest letter or phone: {100 * found.same_frames:.2f} % of frames"
    yield f"  largest difference of any log probability: {found.largest:.1e}"
    if found.ua_streamed is not None and found.ua_whole is not None:
        gap = 100 * (found.ua_streamed - found.ua_whole)
        yield f"  UA streamed {100 * found.ua_streamed:.1f} %, difference {gap:+.1f}"


def _show_worst(turns: Sequence[Turn], console: Console) -> None:
    if words := worst_words(turns):
        table = Table(title="Worst words", title_justify="left", title_style="bold")
        for heading in ("line", "recording", "said", "heard", "sure"):
            table.add_column(heading, overflow="fold")
        for turn in words:
            r, sure = turn.recording, (turn.asked or turn.open).confidence
            heard = escape(taken(turn)) or "[dim]nothing[/]"
            how = " [dim](asked)[/]" if turn.asked else ""
            table.add_row(str(r.line), escape(r.path), r.text, heard + how, f"{sure:.2f}")
        console.print(table)
    if emotions := worst_emotions(turns):
        table = Table(title="Worst emotions", title_justify="left", title_style="bold")
        for heading in ("line", "recording", "acted", "heard", "chance"):
            table.add_column(heading, overflow="fold")
        for turn in emotions:
            r, heard_as = turn.recording, verdict(turn)
            chance = max((turn.emotion or {}).values())
            table.add_row(str(r.line), escape(r.path), r.emotion, heard_as, f"{chance:.2f}")
        console.print(table)
