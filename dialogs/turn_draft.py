"""What has been decided so far in this turn: replies, the next question, an action?

A draft lives for one turn and becomes one frozen `Decision`. Replies are worded here, so that
mood, channel and rotation are handled in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType

from audio.types import Expectation
from dialogs.pack.model import Pack, SlotSpec
from dialogs.rendering import SPOKEN, fill, on_date, shown, tone_for, wording
from dialogs.state import DialogueState, Question, Said, Task, Waited
from dialogs.values import (
    ActionCall,
    Channel,
    Decision,
    Escalation,
    Evidence,
    Judged,
    OfferAnswered,
    OfferMade,
    Reply,
    Source,
    Understanding,
)

NOTHING: Mapping[str, str] = MappingProxyType({})
APOLOGY_EVERY = 4  # turns between two apologies


@dataclass(frozen=True, slots=True)
class House:
    """What does not change during a conversation."""

    pack: Pack
    session_id: str
    today: date
    channel: Channel
    chance: float | None = None  # a number even in [0, 1); without one nothing is offered

    @property
    def spoken(self) -> bool:
        return self.channel in SPOKEN


@dataclass(slots=True)
class Draft:
    house: House
    state: DialogueState
    turn: int
    at: float
    replies: list[Reply] = field(default_factory=list)
    act: ActionCall | None = None
    escalation: Escalation | None = None
    evidence: tuple[Evidence, ...] = ()
    judged: dict[str, Judged] = field(default_factory=dict)  # by rule
    demanded: str = ""  # the escalation rule that a flow or a limit insists on
    offers: list[OfferMade | OfferAnswered] = field(default_factory=list)
    finished: Task | None = None  # the task that was done in this turn, to its end
    free: bool = False  # nothing is in progress any more: something else may follow
    noted: tuple[Waited, ...] = ()  # further requests of this turn
    taken: Waited | None = None  # the one of them, or of an earlier turn, that is taken up now
    ends: bool = False

    def feel(self, what: Understanding) -> None:
        pack, state = self.house.pack, self.state
        self.state = replace(state, tone=tone_for(pack, what, state.tone, state.apologies))

    def say(
        self, name: str, values: Mapping[str, str] = NOTHING, source: Source | None = None
    ) -> None:
        """Add the reply called `name` of the pack."""
        words = self.house.pack.replies[name]
        state = self.state
        template, tone = wording(words, state.tone, self.house.channel, state.counter)
        text = fill(template, {**self.values(), **values})
        state = replace(state, counter=state.counter + 1)
        if state.tone == "apologetic" and self._may_apologise():
            if tone != "apologetic":
                apologies = self.house.pack.apologies
                text = f"{apologies[state.apologies % len(apologies)]} {text}"
            tone = "apologetic"
            state = replace(state, apologised=self.turn, apologies=state.apologies + 1)
        if words.promise:
            state = replace(state, promises=(*state.promises, Said(self.turn, text)))
        self.state = state
        task = state.task
        self.replies.append(
            Reply(text, tone, flow=task.flow if task else "", step=name, source=source)
        )

    def _may_apologise(self) -> bool:
        since = self.turn - self.state.apologised
        return self.state.apologised == 0 or since >= APOLOGY_EVERY

    def ask(self, question: Question, **values: str) -> None:
        """Ask `question` and remember that it is open. On chat its choices can be clicked."""
        self.say(question.reply, values)
        self.state = replace(self.state, question=question)
        if self.replies and self.house.channel == "chat":
            clickable = self.clickable(question)
            self.replies[-1] = replace(self.replies[-1], suggestions=clickable)

    def clickable(self, question: Question) -> tuple[str, ...]:
        pack = self.house.pack
        match question.kind:
            case "confirm" | "intent" | "person":
                return ("Yes", "No")
            case "offer":
                return ("Yes", "No, thanks")
            case "which":
                asked = [pack.intents[name] for name in question.options]
                shorts = [intent.short or intent.about for intent in asked]
                return (*(short[:1].upper() + short[1:] for short in shorts), "Neither")
            case "open" | "menu":
                return tuple(pack.says(name).capitalize() for name in pack.menu)
            case "change":
                return tuple(label.capitalize() for label in question.expect.choices)
            case "slot":
                spec = pack.slots[question.name]
                if spec.type == "yes_no":
                    return ("Yes", "No")
                return tuple(value[:1].upper() + value[1:] for value in spec.values or ())
            case _:
                return ()

    def values(self) -> dict[str, str]:
        """Everything a template can name, as it is shown on this channel."""
        pack = self.house.pack
        shorts = [pack.says(name) for name in pack.menu]
        values = {"bank": pack.bank, "agent": pack.agent, "menu": listed(shorts)}
        values |= {n: v for n, v in self.state.known.items() if n != "customer"}
        for task in self.state.tasks:
            values |= self._task_values(task)
            values["task"] = pack.flows[task.flow].title
        return values

    def _task_values(self, task: Task) -> dict[str, str]:
        house, pack = self.house, self.house.pack
        values: dict[str, str] = {}
        for name, filled in task.slots.items():
            spec = pack.slots[name]
            if spec.secret:
                continue  # never said again
            values[name] = shown(filled.value, spec.type, house.channel, house.today)
            if spec.type == "date":
                values["on_date"] = on_date(filled.value, house.today)
        for name, (value, kind) in task.values.items():
            values[name] = shown(value, kind, house.channel, house.today)
        return values

    def expect_for(self, spec: SlotSpec) -> Expectation:
        """What to listen for when this slot is asked."""
        match spec.type:
            case "choice":
                return Expectation("choice", choices=phrases(spec))
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
        """An open question; on the phone it carries what customers are likely to say."""
        pack = self.house.pack
        likely = tuple(i.short.lower() for i in pack.intents.values() if i.short)
        expect = Expectation("open", choices=likely if self.house.spoken else ())
        return Question("more" if reply == "more" else "open", "", reply, expect)

    def decision(self) -> Decision:
        state = self.state
        if any(reply.step != "one_moment" for reply in self.replies):
            state = replace(state, last=tuple(self.replies))
        if self.ends:
            state = replace(state, ended=True, tasks=(), queue=(), further=())
        self.state = state
        return Decision(
            state=state,
            replies=tuple(self.replies),
            expect=state.question.expect,
            act=self.act,
            escalation=self.escalation,
            evidence=self.evidence,
            judged=tuple(self.judged.values()),
            offers=tuple(self.offers),
            ends=self.ends,
        )


def phrases(spec: SlotSpec) -> tuple[str, ...]:
    """All words for the values of a choice, lower case, as they are spoken, without repeats."""
    values = spec.values or {}
    every = [p.lower() for value in values for p in (value, *values[value]) if not p.isdigit()]
    return tuple(dict.fromkeys(every))


def listed(words: list[str], last: str = "or") -> str:
    """ "a, b or c" """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
