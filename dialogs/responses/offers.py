"""When is an offer made, how is it put, and what became of it?

Something is offered only when a task has just been finished well, to a customer who is known to be
calm, and never while a person is waited for or after a complaint, a danger or a failed identity
check. Yes, no and no answer at all are each an outcome. Held by tests/dialogs/test_recommend.py.
"""

from __future__ import annotations

from dataclasses import replace

from audio.types import Expectation
from dialogs.interpretation.dialogue_acts import Meaning
from dialogs.offer_policy import NOTHING, Occasion, chances, draw, eligible, number_of
from dialogs.pack.model import OfferRules
from dialogs.responses.flow_steps import advance, begin, what_else
from dialogs.state import Question, Suggested, Task
from dialogs.turn_draft import Draft
from dialogs.values import Conversation, OfferAnswered, OfferMade, OfferOutcome, Slot, Understanding

LOOK_BACK = 6  # turns of the customer whose mood counts


def offer(draft: Draft, talk: Conversation, what: Understanding) -> bool:
    """Suggest something now that a task is finished; False when nothing is asked."""
    house, rules = draft.house, draft.house.pack.offers
    task = draft.finished
    if rules is None or house.chance is None or task is None:
        return False
    mood = _mood(rules, talk, what)
    if not _welcome(draft, rules, talk, what) or mood > rules.max_upset:
        return False
    occasion = _occasion(draft, task)
    made = frozenset(one.offer for one in draft.state.suggested)
    scored = eligible(rules, occasion, made)
    if not scored:
        return False
    number = len(draft.state.suggested) + 1
    probabilities = chances(rules, scored)
    chosen = draw(probabilities, number_of(house.chance, number))
    draft.offers.append(
        OfferMade(
            number=number,
            turn=draft.turn,
            at=draft.at,
            context=_context(occasion, mood),
            scores={name: one.score for name, one in scored.items()},
            chosen=chosen,
            propensity=probabilities[chosen],
        )
    )
    suggested = Suggested(number, chosen, draft.turn)
    draft.state = replace(draft.state, suggested=(*draft.state.suggested, suggested))
    if chosen == NOTHING:
        return False
    question = Question("offer", chosen, rules.offers[chosen].say, Expectation("yes_no"))
    draft.ask(question, because=scored[chosen].because)
    draft.replies[-1] = replace(draft.replies[-1], reason=scored[chosen].because)
    return True


def _welcome(draft: Draft, rules: OfferRules, talk: Conversation, what: Understanding) -> bool:
    """Nothing in this conversation speaks against offering something now."""
    state, pack = draft.state, draft.house.pack
    shown = [one for one in state.suggested if one.offer != NOTHING]
    refused = [one.turn for one in shown if one.outcome == "declined"]
    unwelcome = {*rules.never_with, *(n for n, i in pack.intents.items() if i.risk == "high")}
    heard = [turn.heard for turn in talk.turns if turn.leg == "customer"]
    said = [(one.intent, one.confidence) for one in (*heard, what)]
    said += [(r.intent, r.confidence) for one in (*heard, what) for r in one.also]
    wanted = {intent for intent, sure in said if sure >= pack.deciding.confirm_from}
    return (
        not (state.waiting or state.locked or state.failed_verifications or state.active)
        and not (state.misses or talk.escalations or draft.escalation)
        and state.tone == "neutral"
        and len(shown) < rules.most
        and all(draft.turn - one.turn >= rules.apart_turns for one in shown)
        and all(draft.turn - turn >= rules.rest_turns for turn in refused)
        and not wanted & unwelcome
    )


def _mood(rules: OfferRules, talk: Conversation, what: Understanding) -> float:
    """How upset the customer may be at most. Turns that tell nothing, such as a number, are passed
    over; when no turn tells anything it is 1: nobody is called calm for want of evidence."""
    turns = [turn.heard for turn in talk.turns if turn.leg == "customer"][-LOOK_BACK:]
    told = [
        min(1.0, one.upset + one.upset_spread)
        for one in (*turns, what)
        if one.upset_spread <= rules.known_within
    ]
    return max(told, default=1.0)


def _occasion(draft: Draft, task: Task) -> Occasion:
    state = draft.state
    values = {name: filled.value for name, filled in task.slots.items()}
    values |= {name: value for name, (value, _) in task.values.items()}
    done = tuple(one.action for one in state.done if one.ok)
    tier = state.known.get("tier", "")
    return Occasion(task.flow, values, done, tier, state.verified, draft.house.channel)


def _context(occasion: Occasion, mood: float) -> dict[str, str]:
    """What the choice was made on, in few words and without a customer's own."""
    return {
        "just_done": occasion.flow,
        "history": " ".join(occasion.before),
        "mood": "calm" if mood < 0.15 else "fairly calm",
        "tier": occasion.tier or "unknown",
        "channel": occasion.channel,
    }


def heed(draft: Draft, meaning: Meaning) -> None:
    """Note what became of an offer that is open. Whatever is no answer to it closes it."""
    if draft.state.question.kind != "offer" or meaning.kind == "unheard":
        return
    match meaning.kind:
        case "yes":
            _outcome(draft, "accepted")
        case "no":
            _outcome(draft, "declined")
        case _:
            _outcome(draft, "ignored")
            draft.state = replace(draft.state, question=draft.open_question("more"))


def _outcome(draft: Draft, outcome: OfferOutcome) -> None:
    made = draft.state.suggested[-1]
    draft.offers.append(OfferAnswered(made.number, draft.turn, draft.at, outcome))
    known = (*draft.state.suggested[:-1], replace(made, outcome=outcome))
    draft.state = replace(draft.state, suggested=known)


def accept(draft: Draft) -> None:
    """Yes: what was offered begins, or is told from the documents."""
    rules, made = draft.house.pack.offers, draft.state.suggested[-1]
    assert rules is not None  # it was offered
    yes = rules.offers[made.offer].yes
    if yes.flow:
        slots = [Slot(name, value, "") for name, value in yes.slots]
        begin(draft, yes.flow, slots, "")
        if task := draft.state.task:
            draft.state = draft.state.with_task(replace(task, offer=made.number))
        advance(draft)
        return
    page = draft.house.pack.knowledge.part(yes.document, yes.part)
    draft.say("answer", {"answer": page.text}, page.source)
    what_else(draft)


def decline(draft: Draft) -> None:
    draft.say("offer.declined")
    what_else(draft)
