"""Recognition of requests for a person, on NLU++'s bank turns labelled `handoff`.

The shipped intents were trained on folds below 16 and tuned on 16 and 17, so the figure that counts
is that of 18 and 19, few as they are. The label is also on turns that only complain about the bot
("this is really frustrating") and do not ask for a person explicitly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.lab.evaluation.escalation.batch_understanding import understand_all
from agent.lab.evaluation.escalation.handoff_scores import (
    HandoffDecisions,
    HandoffScores,
    handoff_scores,
)
from agent.lab.evaluation.escalation.policy_replay import policy_trace
from agent.lab.json_lines import read_json_lines
from agent.lab.training.understanding.rated_dialogues import Exchange, RatedDialogue
from agent.understanding.turn_understanding import TurnUnderstanding
from dialogs.escalation.scoring import intent_confidence
from dialogs.pack.model import Pack
from dialogs.values import Understanding

EXPLICIT_REQUEST_RULE = "explicit_request"


@dataclass(frozen=True, slots=True)
class HandoffRequestScores:
    """Scores on the turns of some folds: recognised requests, and immediate handoffs for them."""

    name: str
    turns: int
    asked: int
    understood: HandoffScores
    called: HandoffScores


def handoff_request_scores(
    data: Path, pack: Pack, nlu: TurnUnderstanding
) -> list[HandoffRequestScores]:
    rows = [
        row for row in read_json_lines(data / "nlupp" / "banking.jsonl.gz") if row["fold"] >= 16
    ]
    sets = {
        "NLU++ folds 18 and 19, never trained or tuned on": [r for r in rows if r["fold"] >= 18],
        "NLU++ folds 16 to 19, never trained on": rows,
    }
    return [
        _request_scores(
            name, [(r["text"], "handoff" in r.get("intents", ())) for r in some], pack, nlu
        )
        for name, some in sets.items()
    ]


def _request_scores(
    name: str, turns: Sequence[tuple[str, bool]], pack: Pack, nlu: TurnUnderstanding
) -> HandoffRequestScores:
    understandings = understand_all(nlu, [text for text, _ in turns])
    truth = [asked for _, asked in turns]
    is_recognised = [_is_handoff_request(pack, understandings[text]) for text, _ in turns]
    handoffs = [
        policy_trace(
            pack, RatedDialogue(str(at), "nlupp", (Exchange("", text),)), understandings
        ).handoffs
        for at, (text, _) in enumerate(turns)
    ]
    handoff_turns = [
        0 if any(rule == EXPLICIT_REQUEST_RULE for _, rule in found) else None for found in handoffs
    ]
    return HandoffRequestScores(
        name,
        len(turns),
        sum(truth),
        handoff_scores(
            HandoffDecisions.from_turns(truth, [0 if asked else None for asked in is_recognised]),
            pack.error_costs,
        ),
        handoff_scores(HandoffDecisions.from_turns(truth, handoff_turns), pack.error_costs),
    )


def _is_handoff_request(pack: Pack, understanding: Understanding) -> bool:
    """Whether the intent is certain enough for the dialogue to confirm it at least."""
    return (
        intent_confidence(understanding, "talk_to_person")[0] >= pack.intent_thresholds.confirm_from
    )
