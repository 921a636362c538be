"""From a folder of conversations to everything `hearken evaluate escalation` can say of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.escalation import context as contexts
from agent.lab.evaluation.escalation.annoyance import annoyed, wholes
from agent.lab.evaluation.escalation.batch_understanding import understood
from agent.lab.evaluation.escalation.context import Verdicts, as_shipped, by_domain, by_fold, unseen
from agent.lab.evaluation.escalation.conversation_bootstrap import Scored
from agent.lab.evaluation.escalation.goals import Goal, goals
from agent.lab.evaluation.escalation.handoff_requests import Asking, handoff
from agent.lab.evaluation.escalation.policies import (
    TUNED,
    Flapping,
    Proposal,
    Seen,
    Way,
    flapping,
    held_out,
    proposals,
    transferred,
    ways,
)
from agent.lab.evaluation.escalation.policy_replay import followed
from agent.lab.evaluation.escalation.satisfaction import dissatisfied, rated_turns
from agent.lab.evaluation.escalation.weight_tuning import amounts
from agent.lab.training.understanding.dialogue_breakdown import WEIGHTS_FILE
from agent.lab.training.understanding.rated_dialogues import (
    USS_SETS,
    RatedDialogue,
    read_star,
    read_uss,
)
from agent.understanding.dialogue_breakdown import BreakdownModel
from agent.understanding.turn_understanding import TurnUnderstanding
from dialogs.pack.model import Pack
from dialogs.values import Understanding

Progress = Callable[[str], None]
EVERY = 3  # of USS's conversations the policy is asked about one in three: a minute less


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """One set of conversations: what each way to call a person made of it."""

    name: str
    talks: int
    needed: float  # share of the conversations
    ways: list[Way]
    flapping: Flapping


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    goals: list[Goal]
    scored: list[Scored]
    context: Mapping[str, Scored]
    policies: list[Policy]
    proposals: list[Proposal]
    handoff: list[Asking]


def evaluated(data: Path, weights: Path, pack: Pack, tell: Progress) -> Report:
    missing = [name for name in ("uss", "star", "nlupp") if not (data / name).is_dir()]
    if missing:
        raise EvaluationError(f"{data} lacks the folder{'s' * (len(missing) > 1)} {missing}")
    with threadpool_limits(1):
        return _evaluated(data, weights, pack, tell)


def _evaluated(data: Path, weights: Path, pack: Pack, tell: Progress) -> Report:
    tell("reading conversations")
    mind = TurnUnderstanding.load(pack, weights)
    stars, rated = read_star(data), {name: read_uss(data, name) for name in USS_SETS}
    tell("who is annoyed, from whole conversations of STAR")
    scored = [annoyed(wholes(stars, mind.affect_model))]
    tell("who is dissatisfied, turn by turn of USS")
    scored += dissatisfied(
        rated_turns([t for own in rated.values() for t in own], mind.affect_model)
    )
    tell("the context of a turn against the turn alone")
    shipped = BreakdownModel.load(weights / WEIGHTS_FILE)
    own = unseen(stars, mind.affect_model, by_fold(stars))
    found = dict(contexts.figures(stars, own))
    strange = unseen(stars, mind.affect_model, by_domain(stars))
    found["context, domains never seen"] = contexts.figures(stars, strange)["context, at the end"]
    for name, talks in rated.items():
        for what, one in contexts.transferred(
            talks, as_shipped(talks, mind.affect_model, shipped)
        ).items():
            found[f"USS {name}, {what}"] = one
    tell("the policy, turn by turn")
    some = {name: talks[::EVERY] for name, talks in rated.items()}
    policies, learnt = _policies(pack, mind, stars, own, some, shipped)
    tell("asking for a person")
    return Report(list(goals(scored)), scored, found, policies, learnt, handoff(data, pack, mind))


def _policies(
    pack: Pack,
    mind: TurnUnderstanding,
    stars: Sequence[RatedDialogue],
    own: Verdicts,
    rated: Mapping[str, Sequence[RatedDialogue]],
    shipped: BreakdownModel,
) -> tuple[list[Policy], list[Proposal]]:
    everything = [*stars, *(talk for talks in rated.values() for talk in talks)]
    what = understood(mind, (e.customer_text for talk in everything for e in talk.exchanges))
    share = float(np.mean([bool(talk.annoyed) for talk in stars]))
    seen = _seen("STAR", stars, pack, what, own, share)
    learnt, held = proposals(seen, pack), held_out(seen, pack)
    policies = [_policy(seen, pack, held)]
    bank = [at for at, talk in enumerate(stars) if talk.source == "bank"]
    at_bank = {name: [turns[at] for at in bank] for name, turns in held.items()}
    policies.append(_policy(_part(seen, "STAR, its bank", bank), pack, at_bank))
    for name, talks in rated.items():
        verdicts = as_shipped(talks, mind.affect_model, shipped)
        other = _seen(f"USS {name}", talks, pack, what, verdicts, share)
        policies.append(_policy(other, pack, transferred(other, pack, learnt)))
    return policies, learnt


def _seen(
    name: str,
    talks: Sequence[RatedDialogue],
    pack: Pack,
    what: Mapping[str, Understanding],
    verdicts: Verdicts,
    share: float,
) -> Seen:
    over = verdicts.above_usual(share)
    each = [own.tolist() for own in verdicts.split(over)]
    return Seen(
        name,
        talks,
        [followed(pack, *one) for one in zip(talks, repeat(what), each, strict=False)],
        verdicts,
        {rule: amounts(pack, rule, talks, what, over) for rule in TUNED},
    )


def _part(seen: Seen, name: str, places: Sequence[int]) -> Seen:
    """Some of the conversations; for what is asked of them the amounts are not needed."""
    rows = np.isin(seen.verdicts.talk, places)
    verdicts = Verdicts(
        np.searchsorted(places, seen.verdicts.talk[rows]),
        seen.verdicts.context[rows],
        seen.verdicts.upset[rows],
        seen.verdicts.faded[rows],
    )
    return Seen(
        name,
        [seen.talks[at] for at in places],
        [seen.followed[at] for at in places],
        verdicts,
        {},
    )


def _policy(seen: Seen, pack: Pack, fitted: Mapping[str, list[int | None]]) -> Policy:
    return Policy(
        seen.name,
        len(seen.talks),
        float(seen.needed.mean()),
        ways(seen, pack, fitted),
        flapping(seen),
    )
