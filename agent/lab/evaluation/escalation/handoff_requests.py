"""Is a customer who asks for a person understood? NLU++'s bank turns labelled `handoff`.

The shipped intents learnt from its folds below 16 and were tuned on 16 and 17, so the figure that
counts is that of 18 and 19, few as they are. The label is also on turns that only complain of the
machine ("this is really frustrating"), which ask for nobody in so many words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.lab.evaluation.escalation.batch_understanding import understood
from agent.lab.evaluation.escalation.handoff_scores import Called, Outcome, outcome
from agent.lab.evaluation.escalation.policy_replay import followed
from agent.lab.training.understanding.examples import read_json_lines
from agent.lab.training.understanding.rated_dialogues import Exchange, RatedDialogue
from agent.understanding.turn_understanding import TurnUnderstanding
from dialogs.escalation.scoring import intent_confidence
from dialogs.pack.model import Pack
from dialogs.values import Understanding

RULE = "explicit_request"


@dataclass(frozen=True, slots=True)
class Asking:
    """Turns of some folds: understood as asking for a person, and handed over at once for it."""

    name: str
    turns: int
    asked: int
    understood: Outcome
    called: Outcome


def handoff(data: Path, pack: Pack, mind: TurnUnderstanding) -> list[Asking]:
    rows = [
        row for row in read_json_lines(data / "nlupp" / "banking.jsonl.gz") if row["fold"] >= 16
    ]
    sets = {
        "NLU++ folds 18 and 19, never trained or tuned on": [r for r in rows if r["fold"] >= 18],
        "NLU++ folds 16 to 19, never trained on": rows,
    }
    return [
        _asking(name, [(r["text"], "handoff" in r.get("intents", ())) for r in some], pack, mind)
        for name, some in sets.items()
    ]


def _asking(
    name: str, turns: Sequence[tuple[str, bool]], pack: Pack, mind: TurnUnderstanding
) -> Asking:
    what = understood(mind, [text for text, _ in turns])
    truth = [asked for _, asked in turns]
    meant = [_is_asked(pack, what[text]) for text, _ in turns]
    calls = [
        followed(pack, RatedDialogue(str(at), "nlupp", (Exchange("", text),)), what).calls
        for at, (text, _) in enumerate(turns)
    ]
    handed = [0 if any(rule == RULE for _, rule in found) else None for found in calls]
    return Asking(
        name,
        len(turns),
        sum(truth),
        outcome(Called.of(truth, [0 if asked else None for asked in meant]), pack.error_costs),
        outcome(Called.of(truth, handed), pack.error_costs),
    )


def _is_asked(pack: Pack, what: Understanding) -> bool:
    """Sure enough to ask about it at the least: what the dialogue does not take for unclear."""
    return intent_confidence(what, "talk_to_person")[0] >= pack.intent_thresholds.confirm_from
