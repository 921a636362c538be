"""`hearken explain`: the evidence for and against a handoff, turn by turn.

Without a session it lists the stored conversations. For a session it prints every escalation rule
of every turn: its terms, whose weights add up to the score, the probability of that score, and the
thresholds it was compared with. Held by tests/agent/cli/test_explain.py.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.core.turn_notes import TurnNote
from agent.store import NotedConversation, NothingStored, Store
from dialogs.values import Consent, Evidence, RuleScore

NO_WORDS_TEXT = "words not kept: no consent to recording"
OUTCOME_TEXTS = {
    "nothing": ("nobody was called", "dim"),
    "too_few_turns": ("high, but on too few turns", "yellow"),
    "entered": ("rose above; a person was already called", "yellow"),
    "active": ("above since an earlier turn: not called twice", "dim"),
    "left": ("fell below: may call again", "dim"),
    "handed_over": ("a person was called", "bold red"),
}


def print_sessions(store: Store, console: Console) -> None:
    """Print a table of the stored conversations."""
    conversations = store.noted_conversations()
    if not conversations:
        console.print("No conversations are stored yet.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("session", "began (UTC)", "channel", "turns", "handoffs"):
        table.add_column(name, justify="right" if name in ("turns", "handoffs") else "left")
    for conversation in conversations:
        table.add_row(
            conversation.session,
            _start_minute(conversation),
            conversation.channel,
            str(conversation.turn_count),
            str(conversation.handoff_count or ""),
        )
    console.print(table)


def print_explanation(store: Store, session: str, turn: int | None, console: Console) -> None:
    """Print the evidence of the session whose id begins with `session`, of `turn` or of all turns.

    NothingStored when no session, or more than one, begins so, or it lacks the turn.
    """
    matches = store.noted_conversations(session, limit=2)
    if not matches:
        raise NothingStored(
            f"no session {session!r} is stored; `hearken explain` lists those that are"
        )
    if len(matches) > 1:
        raise NothingStored(f"more than one session begins with {session!r}; write more of its id")
    (conversation,) = matches
    notes = [
        note for note in store.read_turn_notes(conversation.session) if turn in (None, note.turn)
    ]
    if not notes:
        raise NothingStored(
            f"session {conversation.session} has no turn {turn}; leave out --turn to see all"
        )
    console.print(
        Text.assemble(
            ("session ", "dim"),
            (conversation.session, "bold"),
            f"  {conversation.channel}, {_start_minute(conversation)}",
        )
    )
    for note in notes:
        _print_turn(note, console)


def _start_minute(conversation: NotedConversation) -> str:
    return conversation.began_at[:16].replace("T", " ")


def _print_turn(note: TurnNote, console: Console) -> None:
    console.print()
    head = Text.assemble((f"turn {note.turn}", "bold cyan"), (f"  {note.at:.1f} s  ", "dim"))
    if note.upset is None:
        head.append("the bank answered", style="dim")
    elif note.words:
        head.append(f'"{note.words}"')
    else:
        head.append(NO_WORDS_TEXT, style="dim")
    console.print(head, soft_wrap=True)
    if note.upset is not None:
        mood_text = f"upset {note.upset:.2f} ± {note.upset_spread:.2f}"
        console.print(Text(f"  {note.intent} {note.confidence:.2f}, {mood_text}", style="yellow"))
    if note.consent is not None:
        console.print(_consent_text(note.action, note.consent), soft_wrap=True)
    for judged in note.judged:
        _print_rule(judged, note.turn, console)


def _consent_text(action: str, consent: Consent) -> Text:
    """What the action of this turn rests on: the yes, and the reply that read it back."""
    line = Text.assemble((f"  {action}", "bold"), ": agreed ")
    line.append(f'with "{consent.words}" ' if consent.words else "", style="green")
    line.append(f"to {consent.read_back}, turn {consent.turn}", style="dim")
    return line


def _print_rule(assessment: RuleScore, turn: int, console: Console) -> None:
    outcome_text, style = OUTCOME_TEXTS[assessment.led_to]
    line = Text.assemble(("  " + assessment.rule, "bold"), f"  {assessment.probability:.1%} ")
    line.append(
        f"(calls from {assessment.enter:.1%}, again below {assessment.leave:.1%}): ", style="dim"
    )
    line.append(outcome_text, style=style)
    console.print(line, soft_wrap=True)
    terms = Table.grid(padding=(0, 1))
    terms.add_column(justify="right", min_width=12)
    for column in range(3):
        terms.add_column(no_wrap=column < 2)
    for term in assessment.terms:
        where = "" if term.term == "baseline" else f"turn {term.turn}, {term.at:.1f} s"
        terms.add_row(
            f"{term.weight:+.2f}", term.term, Text(where, style="dim"), _detail_text(term)
        )
    terms.add_row(f"{assessment.score:+.2f}", Text("score", style="bold"), "", "")
    console.print(terms)


def _detail_text(term: Evidence) -> Text:
    return Text(term.detail, style="dim" if term.term == "baseline" else "")
