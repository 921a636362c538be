"""Mutable accumulator of one turn: state, replies, next question, action, escalation.

A draft lives for one turn and becomes one frozen `Decision`. Replies are rendered here, so that
tone, channel and rotation of wordings are handled in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType

from audio.types import Expectation
from dialogs.extraction.contacts import is_address
from dialogs.pack.language_rules import is_in_other_language
from dialogs.pack.model import Pack, SlotSpec, Wording
from dialogs.rendering import (
    SPOKEN_CHANNELS,
    format_on_date,
    format_value,
    next_tone,
    render,
    templates_in_turn,
    unlike,
)
from dialogs.state import Decision, DeferredRequest, DialogueState, Question, Task, TurnQuote
from dialogs.values import (
    ActionCall,
    Channel,
    DocumentSource,
    Escalation,
    Evidence,
    OfferAnswered,
    OfferMade,
    PrivacyConsent,
    Reply,
    RuleScore,
    Tone,
    Understanding,
)

NO_VALUES: Mapping[str, str] = MappingProxyType({})
MIN_TURNS_BETWEEN_APOLOGIES = 4  # least turns from one apology to the next


@dataclass(frozen=True, slots=True)
class SessionContext:
    """Constants of one session: pack, id, date, channel and the draw for offers."""

    pack: Pack
    session_id: str
    today: date
    channel: Channel
    session_draw: float | None = None  # uniform in [0, 1); None: nothing is offered

    @property
    def is_spoken(self) -> bool:
        """Whether replies are spoken on this channel."""
        return self.channel in SPOKEN_CHANNELS


@dataclass(slots=True)
class TurnDraft:
    """One turn in progress. `turn` is its number, `at` its time in seconds of the session."""

    context: SessionContext
    state: DialogueState
    turn: int
    at: float
    replies: list[Reply] = field(default_factory=list)
    action_call: ActionCall | None = None
    escalation: Escalation | None = None
    evidence: tuple[Evidence, ...] = ()
    rule_scores: dict[str, RuleScore] = field(default_factory=dict)  # by rule
    forced_rule: str = ""  # escalation rule that a flow or a limit forces, empty for none
    offers: list[OfferMade | OfferAnswered] = field(default_factory=list)
    completed_task: Task | None = None  # task that this turn completed, if any
    nothing_in_progress: bool = False  # no task is left: a deferred request or an offer may follow
    deferred_now: tuple[DeferredRequest, ...] = ()  # requests of this turn that were deferred
    resumed_request: DeferredRequest | None = None  # deferred request that is answered now
    privacy_consent: PrivacyConsent | None = None
    withdraws_handoff: bool = False  # no person is needed any more
    says_in_language: bool = False  # the handoff was announced in the customer's own language
    has_cared: bool = False  # this turn answers somebody in danger or distress
    ends_session: bool = False

    def update_tone(self, understanding: Understanding) -> None:
        """Set the tone of the replies by the customer's mood."""
        pack, state = self.context.pack, self.state
        self.state = replace(
            state, tone=next_tone(pack, understanding, state.tone, state.apology_count)
        )

    def say(
        self,
        reply_name: str,
        values: Mapping[str, str] = NO_VALUES,
        source: DocumentSource | None = None,
    ) -> None:
        """Append the reply called `reply_name` of the pack, filled with `values`, in a wording that
        the customer has not just been given.

        `source` is the document that an answer quotes. KeyError for an unknown reply.
        """
        words = self.context.pack.replies[reply_name]
        state = self.state
        text, tone = self._render_unlike_recent(words, {**self.template_values(), **values})
        if not is_in_other_language(reply_name):
            text = unlike(state.recent_texts, text, self.context.pack.lead_ins, state.reply_count)
        state = replace(state, reply_count=state.reply_count + 1)
        if state.tone == "apologetic" and self._may_apologise():
            if tone != "apologetic":
                apologies = self.context.pack.apologies
                text = f"{apologies[state.apology_count % len(apologies)]} {text}"
            tone = "apologetic"
            state = replace(
                state, last_apology_turn=self.turn, apology_count=state.apology_count + 1
            )
        if words.is_promise:
            state = replace(state, promises=(*state.promises, TurnQuote(self.turn, text)))
        self.state = state
        task = state.task
        self.replies.append(
            Reply(text, tone, flow=task.flow if task else "", step=reply_name, source=source)
        )

    def _render_unlike_recent(
        self, wording: Wording, values: Mapping[str, str]
    ) -> tuple[str, Tone]:
        """The reply in the next of its wordings that was not said in the turn before; if all were,
        the first."""
        recent, counter = self.state.recent_texts, self.state.reply_count
        rendered = [
            (render(template, values), tone)
            for template, tone in templates_in_turn(
                wording, self.state.tone, self.context.channel, counter
            )
        ]
        return next((one for one in rendered if one[0] not in recent), rendered[0])

    def _may_apologise(self) -> bool:
        since = self.turn - self.state.last_apology_turn
        return self.state.last_apology_turn == 0 or since >= MIN_TURNS_BETWEEN_APOLOGIES

    def ask(self, question: Question, **values: str) -> None:
        """Say the question's reply and make it the open question; on chat, add quick replies.

        `values` fill the template.
        """
        self.say(question.reply, values)
        self.state = replace(self.state, question=question)
        if self.replies and self.context.channel == "chat":
            suggestions = self.quick_replies(question)
            self.replies[-1] = replace(self.replies[-1], suggestions=suggestions)

    def quick_replies(self, question: Question) -> tuple[str, ...]:
        """Answers to `question` that a chat client can show as buttons; may be empty."""
        pack = self.context.pack
        match question.kind:
            case "confirm" | "intent" | "person" | "callback":
                return ("Yes", "No")
            case "offer":
                return ("Yes", "No, thanks")
            case "which":
                options = [pack.intents[name] for name in question.options]
                shorts = [intent.short or intent.about for intent in options]
                return (*(short[:1].upper() + short[1:] for short in shorts), "Neither")
            case "open" | "menu":
                return tuple(pack.menu_phrase(name).capitalize() for name in pack.menu_intents)
            case "change":
                return tuple(label.capitalize() for label in question.expectation.choices)
            case "slot":
                spec = pack.slots[question.name]
                if spec.type == "yes_no":
                    return ("Yes", "No")
                return tuple(value[:1].upper() + value[1:] for value in spec.choices or ())
            case _:
                return ()

    def template_values(self) -> dict[str, str]:
        """Values of all template placeholders, formatted for this channel."""
        pack = self.context.pack
        shorts = [pack.menu_phrase(name) for name in pack.menu_intents]
        values = {"bank": pack.bank_name, "agent": pack.agent_name, "menu": format_list(shorts)}
        values |= {n: v for n, v in self.state.customer_facts.items() if n != "customer"}
        for task in self.state.tasks:
            values |= self._task_values(task)
            values["task"] = pack.flows[task.flow].title
        return values

    def _task_values(self, task: Task) -> dict[str, str]:
        context, pack = self.context, self.context.pack
        values: dict[str, str] = {}
        for name, filled in task.slots.items():
            spec = pack.slots[name]
            if spec.is_secret:
                continue  # a secret is never repeated to the customer
            values[name] = format_value(filled.value, spec.type, context.channel, context.today)
            if spec.type == "contact":
                values |= self._callback_values(filled.value, values[name])
            if spec.type == "date":
                values["on_date"] = format_on_date(filled.value, context.today)
        for name, (value, kind) in task.result_values.items():
            values[name] = format_value(value, kind, context.channel, context.today)
        return values

    def _callback_values(self, contact: str, shown: str) -> dict[str, str]:
        """How and when the customer will be reached at this contact, in words."""
        replies, channel = self.context.pack.replies, self.context.channel
        unmet, people = self.state.unmet_handoff, self.state.people
        when = (unmet.next_opening if unmet else "") or people.next_opening
        reach = replies["callback.address" if is_address(contact) else "callback.phone"]
        call_time = replies["callback.opening" if when else "callback.soon"]

        def words(wording: Wording) -> str:
            template, _ = templates_in_turn(wording, "neutral", channel, 0)[0]
            return render(template, {"contact": shown, "when": when})

        return {"reach": words(reach), "call_time": words(call_time)}

    def expectation_for(self, spec: SlotSpec) -> Expectation:
        """The kind of answer the models should expect when this slot is asked for."""
        match spec.type:
            case "choice":
                return Expectation("choice", choices=spoken_choices(spec))
            case "digits":
                return Expectation("digits", length=spec.length)
            case "amount":
                return Expectation("amount")
            case "date" | "time":
                return Expectation("date")
            case "name":
                return Expectation("name")
            case "yes_no":
                return Expectation("yes_no")
            case _:
                return Expectation("open")

    def open_question(self, reply: str = "open") -> Question:
        """An open question with reply `reply`.

        On voice channels its expectation lists the short phrases of all intents.
        """
        pack = self.context.pack
        likely = tuple(i.short.lower() for i in pack.intents.values() if i.short)
        expect = Expectation("open", choices=likely if self.context.is_spoken else ())
        return Question("more" if reply == "more" else "open", "", reply, expect)

    def decision(self) -> Decision:
        """The frozen result of this turn; also stores the last replies in the state."""
        state = self.state
        if any(reply.step != "one_moment" for reply in self.replies):
            state = replace(state, last_replies=tuple(self.replies))
        if self.replies:
            state = replace(state, recent_texts=tuple(reply.text for reply in self.replies))
        if self.ends_session:
            state = replace(state, is_over=True, tasks=(), queued_requests=(), further_requests=())
        self.state = state
        return Decision(
            state=state,
            replies=tuple(self.replies),
            expectation=state.question.expectation,
            action_call=self.action_call,
            escalation=self.escalation,
            evidence=self.evidence,
            rule_scores=tuple(self.rule_scores.values()),
            offers=tuple(self.offers),
            privacy_consent=self.privacy_consent,
            withdraws_handoff=self.withdraws_handoff,
            ends_session=self.ends_session,
        )


def spoken_choices(spec: SlotSpec) -> tuple[str, ...]:
    """All values and synonyms of a choice slot, lower case, without bare digits or repeats."""
    values = spec.choices or {}
    every = [p.lower() for value in values for p in (value, *values[value]) if not p.isdigit()]
    return tuple(dict.fromkeys(every))


def format_list(words: list[str], conjunction: str = "or") -> str:
    """Words as a list in prose: "a, b or c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"
