"""Offers: when one is made, how the customer answers it, and the record of its outcome.

An offer is made only when a task was just completed, to a customer who is known to be calm, and
never while the customer waits for a person or after a complaint, a high-risk request or a failed
identity check. Yes, no and any other reaction are each an outcome. Held by
tests/dialogs/test_offer_policy.py.
"""

from __future__ import annotations

from dataclasses import replace

from audio.types import Expectation
from dialogs.interpretation.dialogue_act import DialogueAct
from dialogs.offer_policy import (
    NO_OFFER,
    OfferContext,
    choice_probabilities,
    draw_choice,
    eligible_offers,
    occasion_draw,
)
from dialogs.pack.model import OfferRules
from dialogs.pack.reserved_names import TIER_VALUE
from dialogs.responses.flow_steps import advance, begin_task, mark_nothing_in_progress
from dialogs.state import OfferOccasion, Question, Task
from dialogs.turn_draft import TurnDraft
from dialogs.values import History, OfferAnswered, OfferMade, OfferOutcome, Slot, Understanding

MOOD_TURNS = 6  # latest customer turns whose mood counts, besides the current one


def make_offer(draft: TurnDraft, history: History, understanding: Understanding) -> bool:
    """Make an offer after a completed task, if one is due; whether the customer was asked.

    Every draw is recorded, also one for no offer.
    """
    context, rules = draft.context, draft.context.pack.offer_rules
    task = draft.completed_task
    done = draft.state.done_actions
    if rules is None or context.session_draw is None or task is None:
        return False
    if done and done[-1].is_undone:
        return False  # no suggestion follows from what was taken back
    max_upset = _max_upset(rules, history, understanding)
    if not _is_welcome(draft, rules, history, understanding) or max_upset > rules.max_upset:
        return False
    offer_context = _offer_context(draft, task)
    already_made = frozenset(one.offer_name for one in draft.state.offer_occasions)
    scored_offers = eligible_offers(rules, offer_context, already_made)
    if not scored_offers:
        return False
    number = len(draft.state.offer_occasions) + 1
    probabilities = choice_probabilities(rules, scored_offers)
    chosen = draw_choice(probabilities, occasion_draw(context.session_draw, number))
    draft.offers.append(
        OfferMade(
            number=number,
            turn=draft.turn,
            at=draft.at,
            context=_logged_context(offer_context, max_upset),
            scores={name: one.score for name, one in scored_offers.items()},
            chosen=chosen,
            propensity=probabilities[chosen],
        )
    )
    suggested = OfferOccasion(number, chosen, draft.turn)
    draft.state = replace(draft.state, offer_occasions=(*draft.state.offer_occasions, suggested))
    if chosen == NO_OFFER:
        return False
    question = Question("offer", chosen, rules.offers[chosen].reply, Expectation("yes_no"))
    draft.ask(question, because=scored_offers[chosen].reason)
    draft.replies[-1] = replace(draft.replies[-1], reason=scored_offers[chosen].reason)
    return True


def _is_welcome(
    draft: TurnDraft, rules: OfferRules, history: History, understanding: Understanding
) -> bool:
    """Whether nothing in this conversation rules out an offer now."""
    state, pack = draft.state, draft.context.pack
    made_offers = [one for one in state.offer_occasions if one.offer_name != NO_OFFER]
    decline_turns = [one.turn for one in made_offers if one.outcome == "declined"]
    unwelcome = {*rules.excluded_intents, *(n for n, i in pack.intents.items() if i.risk == "high")}
    understandings = [turn.understanding for turn in history.turns if turn.leg == "customer"]
    intents = [(one.intent, one.confidence) for one in (*understandings, understanding)]
    intents += [
        (r.intent, r.confidence) for one in (*understandings, understanding) for r in one.also
    ]
    wanted_intents = {
        intent for intent, sure in intents if sure >= pack.intent_thresholds.confirm_from
    }
    return (
        not (
            state.waiting_for_person
            or state.identity_locked
            or state.failed_verifications
            or state.active_causes
        )
        and not (state.misses or history.escalations or draft.escalation)
        and state.tone == "neutral"
        and len(made_offers) < rules.max_per_session
        and all(draft.turn - one.turn >= rules.min_turns_between_offers for one in made_offers)
        and all(draft.turn - turn >= rules.min_turns_after_decline for turn in decline_turns)
        and not wanted_intents & unwelcome
    )


def _max_upset(rules: OfferRules, history: History, understanding: Understanding) -> float:
    """Upper bound of the upset probability over recent turns. Turns with a wide spread, such as a
    bare number, do not count; 1.0 when no turn counts: no evidence is not calm."""
    turns = [turn.understanding for turn in history.turns if turn.leg == "customer"][-MOOD_TURNS:]
    upper_bounds = [
        min(1.0, one.upset + one.upset_spread)
        for one in (*turns, understanding)
        if one.upset_spread <= rules.max_upset_spread
    ]
    return max(upper_bounds, default=1.0)


def _offer_context(draft: TurnDraft, task: Task) -> OfferContext:
    state = draft.state
    values = {name: filled.value for name, filled in task.slots.items()}
    values |= {name: value for name, (value, _) in task.result_values.items()}
    done = tuple(one.action for one in state.action_records if one.ok)
    tier = state.customer_facts.get(TIER_VALUE, "")
    return OfferContext(
        task.flow, values, done, tier, state.identity_verified, draft.context.channel
    )


def _logged_context(offer_context: OfferContext, max_upset: float) -> dict[str, str]:
    """The context of the choice as it is logged: coarse, without words of the customer."""
    return {
        "just_done": offer_context.finished_flow,
        "history": " ".join(offer_context.earlier_actions),
        "mood": "calm" if max_upset < 0.15 else "fairly calm",
        "tier": offer_context.tier or "unknown",
        "channel": offer_context.channel,
    }


def record_offer_outcome(draft: TurnDraft, act: DialogueAct) -> None:
    """Record the outcome of an open offer; any act but yes, no or unheard closes it as ignored."""
    if draft.state.question.kind != "offer" or act.kind == "unheard":
        return
    match act.kind:
        case "yes":
            _record_outcome(draft, "accepted")
        case "no":
            _record_outcome(draft, "declined")
        case _:
            _record_outcome(draft, "ignored")
            draft.state = replace(draft.state, question=draft.open_question("more"))


def _record_outcome(draft: TurnDraft, outcome: OfferOutcome) -> None:
    occasion = draft.state.offer_occasions[-1]
    draft.offers.append(OfferAnswered(occasion.number, draft.turn, draft.at, outcome))
    occasions = (*draft.state.offer_occasions[:-1], replace(occasion, outcome=outcome))
    draft.state = replace(draft.state, offer_occasions=occasions)


def accept_offer(draft: TurnDraft) -> None:
    """Start the flow of the accepted offer, or quote its document."""
    rules, occasion = draft.context.pack.offer_rules, draft.state.offer_occasions[-1]
    assert rules is not None  # it was offered
    target = rules.offers[occasion.offer_name].target
    if target.flow:
        slots = [Slot(name, value, "") for name, value in target.slot_values]
        begin_task(draft, target.flow, slots, "")
        if task := draft.state.task:
            draft.state = draft.state.with_task(replace(task, offer_number=occasion.number))
        advance(draft)
        return
    page = draft.context.pack.knowledge.document_part(target.document_id, target.part_number)
    draft.say("answer", {"answer": page.text}, page.source)
    mark_nothing_in_progress(draft)


def decline_offer(draft: TurnDraft) -> None:
    """Acknowledge a declined offer and go on."""
    draft.say("offer.declined")
    mark_nothing_in_progress(draft)
