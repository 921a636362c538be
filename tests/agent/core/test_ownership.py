"""Over any interleaving of customers, models, people and supervisors: who speaks, and who is asked.

The session and the bank's dialogue are the real ones. Ana and Ben take over, Sue supervises; all of
them do what they please, also what is not theirs to do.
"""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.effects import (
    AnnounceOwner,
    Effect,
    PerformAction,
    SayReplies,
    UnderstandTurn,
    UpdateHandoff,
)
from agent.core.inputs import (
    ActionCompleted,
    ConnectionLost,
    ConnectionResumed,
    HandoffQueued,
    HandoffUnanswered,
    Input,
    PersonHandedBack,
    PersonLost,
    PersonTextReceived,
    PersonTookOver,
    SessionOpened,
    TextReceived,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.core.session import Session, SessionRules
from dialogs.manager import Dialogue
from dialogs.values import ActionResult
from tests.support.packs import bank_pack
from tests.support.scripted_mind import understood

PACK = bank_pack()
TODAY = date(2026, 11, 24)
NAMES = st.sampled_from(["Ana", "Ben", "Sue"])
TEXTS = st.sampled_from(
    ["talk to a person", "check my balance", "100421", "4471", "yes", "this is ridiculous", "hello"]
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("types"), TEXTS),
        st.tuples(st.just("answers"), st.booleans()),
        st.tuples(st.just("acts"), st.booleans()),
        st.tuples(st.just("takes"), NAMES),
        st.tuples(st.just("says"), NAMES),
        st.tuples(st.just("gives_back"), NAMES),
        st.tuples(st.just("goes"), NAMES),
        st.tuples(st.just("nobody"), st.integers(1, 4)),
        st.tuples(st.just("queued"), st.integers(1, 4)),
        st.tuples(st.just("drops"), st.none()),
        st.tuples(st.just("comes_back"), st.none()),
    ),
    max_size=40,
)


class World:
    """A session, and everybody around it."""

    def __init__(self) -> None:
        self.session = Session(Dialogue(PACK, "s1", TODAY, "chat"), SessionRules())
        self.at = 0.0
        self.asks: list[UnderstandTurn] = []
        self.acts: list[PerformAction] = []
        self.stand: dict[int, str] = {}  # hand-over -> how it stands
        self.told = ("bot", "")  # whom the customer was told they talk to
        self.keys: set[str] = set()
        self.do(SessionOpened(0.0, "chat"))

    def do(self, event: Input) -> list[Effect]:
        before = self.session.ownership.is_with_person
        effects = self.session.receive(event)
        for effect in effects:
            self.note(effect)
        owner = self.session.ownership
        assert self.told == (owner.owner, owner.person_name), "the customer knows whom they talk to"
        introduced = isinstance(event, PersonTookOver) and not before
        if owner.is_with_person and before and not isinstance(event, PersonTookOver):
            assert not any(isinstance(one, SayReplies) for one in effects), "a person owns it"
        if owner.is_with_person and not introduced and not isinstance(event, PersonTookOver):
            assert not any(isinstance(one, PerformAction) for one in effects)
        return effects

    def note(self, effect: Effect) -> None:
        match effect:
            case UnderstandTurn():
                self.asks.append(effect)
            case PerformAction(call):
                assert call.key not in self.keys, "nothing is done twice"
                self.keys.add(call.key)
                self.acts.append(effect)
            case AnnounceOwner(owner, name):
                assert self.told != (owner, name), "told once"
                self.told = (owner, name)
            case UpdateHandoff(id, state):
                follows = {
                    "requested": {None, "accepted", "queued", "requested"},
                    "queued": {"requested", "queued"},
                    "accepted": {"requested", "queued"},
                    "ended": {"accepted", "requested", "queued"},
                    "callback": {"requested", "queued"},
                }
                assert self.stand.get(id) in follows[state], (self.stand.get(id), state)
                self.stand[id] = state

    def step(self, kind: str, what: object) -> None:
        self.at += 1.0
        at, owner = self.at, self.session.ownership
        match kind:
            case "types":
                self.do(TextReceived(at, str(what)))
            case "answers" if self.asks:
                ask = self.asks.pop(0)
                result = understood(PACK, ask.text, ask.expectation)
                self.do(
                    TurnUnderstood(at, ask.request_id, result)
                    if what
                    else UnderstandingFailed(at, ask.request_id, "late")
                )
            case "acts" if self.acts:
                key = self.acts.pop(0).call.key
                values = {"customer": "100421", "customer_name": "Pat Miller", "tier": "standard"}
                self.do(ActionCompleted(at, ActionResult(key, bool(what), values if what else {})))
            case "takes":
                held, was = owner.owner, owner.person_name
                role = "supervisor" if what == "Sue" else "person"
                self.do(PersonTookOver(at, str(what), role))
                if held == "person" and role == "person" or held == "supervisor":
                    assert (owner.owner, owner.person_name) == (held, was), (
                        "nobody takes from another"
                    )
            case "says":
                effects = self.do(PersonTextReceived(at, str(what), "hello"))
                assert bool(effects) == owner.is_owned_by(str(what))
            case "gives_back":
                mine = owner.is_owned_by(str(what))
                self.do(PersonHandedBack(at, str(what)))
                assert not mine or owner.owner in ("bot", "queued")
            case "goes":
                self.do(PersonLost(at, str(what)))
            case "nobody" if isinstance(what, int):
                self.do(HandoffUnanswered(at, what, "nobody", f"T{what}"))
            case "queued" if isinstance(what, int):
                self.do(HandoffQueued(at, what, 1, 60))
            case "drops":
                self.do(ConnectionLost(at))
            case "comes_back":
                self.do(ConnectionResumed(at))


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_the_bot_never_speaks_while_a_person_owns_the_conversation(steps):
    world = World()
    for kind, what in steps:
        world.step(kind, what)
    open_now = {id for id, state in world.stand.items() if state in ("requested", "queued")}
    owner = world.session.ownership.owner
    if open_now:  # who asked is waiting, or somebody is there
        assert owner in ("queued", "person", "supervisor")
    if owner == "queued":
        assert open_now, "nobody waits for nothing"


@given(STEPS, TEXTS)
@settings(max_examples=100, deadline=None)
def test_giving_back_keeps_what_was_known_and_goes_on(steps, text):
    world = World()
    for kind, what in steps:
        world.step(kind, what)
    if not world.session.ownership.is_with_person or world.session.closed:
        return
    turns, known = world.session.history.turns, dict(world.session.state.customer_facts)
    effects = world.do(PersonHandedBack(world.at + 1.0, world.session.ownership.person_name))
    assert any(isinstance(one, SayReplies) for one in effects), "the bot says that it is back"
    assert world.session.history.turns[: len(turns)] == turns
    assert known.items() <= world.session.state.customer_facts.items()
