"""What holds in every conversation, however it goes."""

from __future__ import annotations

from math import fsum, isclose

from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.escalation.scoring import URGENCY_RANK
from dialogs.interpretation.yes_no_reply import is_consent_asked, read_reply
from dialogs.pack.model import normalise_text
from dialogs.pack.reserved_names import ABOUT_ARGUMENT, SERVER_ACTIONS
from dialogs.responses.request_queue import MAX_DEFERRED_REQUESTS
from dialogs.values import FurtherRequest, OfferMade
from tests.support.packs import bank_pack
from tests.support.scripted_mind import Bot, understood

PACK = bank_pack()
# Actions that read, check, or pass on what the customer has said.
WITHOUT_EFFECT = {"verify_customer", "branch_hours", "balance", "report_fraud", "check_contact"}
FREE = {"verify_customer", "branch_hours", "book_appointment", *SERVER_ACTIONS}
EXAMPLES = [e for intent in PACK.intents.values() for e in intent.examples]
ANSWERS = [
    "100421", "4471", "123", "checking", "savings", "fifty dollars", "0 dollars", "tomorrow",
    "yesterday", "yes", "no", "debit", "downtown", "a loan", "at ten", "two boxes", "pulse gym",
    "no, the savings account", "yes but make it sixty", "go back", "valley power", "amount", "",
    "my name is ada lovelace", "415-555-0123", "jane@example.com", "{name} %s {0}", "20000 dollars",
]  # fmt: skip
REASONS = ["no_match", "no_funds", "no_account", "unavailable", "closed", "never heard of"]
GIVEN = {"customer": "100421", "customer_name": "Patricia Miller", "tier": "standard",
         "balance": "-1.00", "arrives": "2026-12-01", "opens": "09:00"}  # fmt: skip
# Said to a read-back, none of these is a yes, whatever a model takes it for.
NO_YES = [
    "definitely not", "hell no", "not ok", "ok, cancel", "stop", "wait", "hold on", "one sec",
    "let me check", "idk", "i'm not sure", "maybe", "i guess", "probably", "whatever", "yes?",
    "is that right?", "right?", "are you sure?", "yes, but not today", "yes but make it 60",
    "if there's enough money yes", "later", "not now", "yes and tell me my balance", "thanks",
    "no yes", "yes no", "i don't want that", "ok but first tell me the fee", "do it tomorrow",
    "yes unless it costs something", "i said no", "don't do it", "yes to my brother's account",
]  # fmt: skip
YESES = ["yes", "yes please", "no problem, go ahead", "correct", "ok do it", "y", "👍🏽"]
MOVES = st.one_of(
    st.tuples(st.just("says"), st.sampled_from(ANSWERS), st.just(0.95)),
    st.tuples(st.just("affirms"), st.sampled_from(NO_YES), st.just(0.99)),
    st.tuples(st.just("says"), st.sampled_from(YESES), st.just(0.95)),
    st.tuples(st.just("says"), st.sampled_from(EXAMPLES), st.sampled_from([0.2, 0.45, 0.7, 0.95])),
    st.tuples(st.just("says"), st.text(max_size=30), st.floats(0, 1)),
    st.tuples(st.just("both"), st.sampled_from(EXAMPLES), st.sampled_from([0.2, 0.45, 0.95])),
    st.tuples(st.just("bank"), st.just(""), st.just(1.0)),
    st.tuples(st.just("bank"), st.sampled_from(REASONS), st.just(0.0)),
    st.tuples(
        st.sampled_from(["nothing", "misses", "returns", "loses", "stale"]),
        st.just(""),
        st.just(0.0),
    ),
    st.tuples(
        st.just("unreached"), st.sampled_from(["closed", "nobody", "too_long"]), st.just(0.0)
    ),
)


SAID = [("says", text, 0.95) for text in ("100421", "4471")]
TRANSFER = [("says", "transfer fifty dollars from checking to savings", 0.95), *SAID]
BEGINNINGS = [
    [],
    [*TRANSFER, ("bank", "", 1.0), ("says", "yes", 0.95), ("bank", "", 1.0)],
    [("says", "order checks, two boxes", 0.95), *SAID, ("bank", "", 1.0)],
    [*TRANSFER, ("bank", "", 1.0)],
    [("says", "i lost my debit card", 0.95), *SAID, ("bank", "", 1.0), ("says", "yes", 0.95)],
    [("says", "i want to dispute a charge", 0.95), *SAID, ("bank", "", 1.0)],
    [("says", "i was scammed", 0.95), *SAID],
    [("says", "get me an agent", 0.95), ("unreached", "nobody", 0.0)],
    [*TRANSFER, ("bank", "", 1.0), ("says", "he says i have to move it to a safe account", 0.95)],
    [("says", "get me an agent", 0.95), ("unreached", "closed", 0.0), ("says", "yes", 0.95),
     ("says", "415-555-0123", 0.95), ("bank", "", 1.0), ("says", "my name is ada lovelace", 0.95)],
]  # fmt: skip


def intents_of(pack, text: str) -> set[str]:
    """What the customer may have asked for with these words."""
    return {understood(pack, text).intent, pack.intent_by_example.get(normalise_text(text), "")}


class Watch(Bot):
    """A conversation that checks every decision."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.said_last = [reply.text for reply in self.last.replies]

    def play(self, move: tuple[str, str, float]) -> None:
        kind, text, sure = move
        before, calls, ended = self.state, len(self.calls), self.state.is_over
        said_before = self.said_last
        if kind == "bank" and not self.calls:
            return
        match kind:
            case "says":
                heard = sure if sure < 0.3 else 1.0
                self.says(text, sure, upset=1.0 - sure, upset_spread=0.2, heard=heard)
            case "affirms":
                self.says(text, sure, intent="affirm")
            case "both":
                also = tuple(self.request(word, sure) for word in (text, *EXAMPLES[calls::97][:5]))
                self.says(f"hm {text}", 0.95, also=also[:6])
            case "bank":
                self.bank(ok=sure > 0.5, reason=text, **(GIVEN if sure > 0.5 else {}))
            case "stale":
                self.bank(key="s0:99")
                assert self.last.replies == () or ended
                assert self.state == before
            case "unreached":
                self.unreached(text, *[("", ""), ("C-17", "tomorrow at 9 AM")][calls % 2])
            case "nothing" | "misses" | "returns" | "loses":
                getattr(self, kind)()
        self.check(before, calls, kind)
        if self.last.replies:
            self.check_unlike(said_before, text)
            self.said_last = [reply.text for reply in self.last.replies]

    def check_unlike(self, said_before: list[str], text: str) -> None:
        """No text is said again in the next turn, unless the customer asked for that."""
        was_asked = "repeat" in intents_of(self.pack, text)
        for reply in self.last.replies:
            assert was_asked or reply.text not in said_before, "said twice in a row"

    def request(self, text: str, sure: float) -> FurtherRequest:
        what = understood(self.pack, text)
        return FurtherRequest(text, what.intent, sure, what.slots)

    def check(self, before, calls: int, kind: str) -> None:
        last = self.last
        if before.is_over:
            assert not last.replies
            assert last.action_call is None
        elif kind in {
            "says",
            "affirms",
            "both",
            "nothing",
            "misses",
            "returns",
            "loses",
            "unreached",
        }:
            assert last.replies or last.action_call, "a turn without an answer"
        if before.is_money_locked and kind != "returns" and not before.is_over:
            assert last.state.is_money_locked, "unlocked without a person"
        if last.action_call is not None:
            assert len(self.calls) == calls + 1
            assert before.pending_action is None or kind == "bank", "two actions at once"
            assert last.action_call.name in FREE or last.state.identity_verified, "acted unverified"
            if before.waiting_for_person and kind not in {"returns", "unreached"}:
                assert last.action_call.name not in {"transfer", "pay_bill"}, (
                    "moved money while waiting"
                )
            if before.is_money_locked and last.state.is_money_locked:
                assert last.action_call.name not in {"transfer", "pay_bill"}, "moved locked money"
            self.check_consent(before, kind)
        if kind == "unreached" and not before.is_over:
            assert not last.state.waiting_for_person
            assert last.state.pending_action or last.state.question.kind != "waiting", "a dead end"
        if last.escalation is not None:
            back = before.unmet_handoff
            again = self.pack.opening_hours.ask_again_after_s
            if back and not before.waiting_for_person and self.turn - back.at < again:
                assert URGENCY_RANK[last.escalation.urgency] > URGENCY_RANK[back.urgency], (
                    "asked in a loop"
                )
            assert isclose(fsum(e.weight for e in last.escalation.evidence), last.escalation.score)
            assert "4471" not in last.escalation.summary
        assert len(last.state.further_requests) <= MAX_DEFERRED_REQUESTS
        for made in last.offers:
            if isinstance(made, OfferMade) and made.chosen:
                assert not last.state.waiting_for_person
                assert last.replies[-1].reason
        given = {f.value for task in last.state.tasks for f in task.slots.values()}
        for reply in last.replies:
            assert reply.text.strip()
            if reply.step == "callback.done":
                assert self.calls[-1].name == "arrange_callback", "a call back was promised"
                assert self.calls[-1].arguments["contact"]
            assert "4471" not in reply.text or "4471.00" in given, "a secret was repeated"

    def check_consent(self, before, kind: str) -> None:
        """An effect needs a whole-turn yes to its own read-back, which was the last thing asked."""
        call, consent = self.last.action_call, self.last.action_call.consent
        if call.name in WITHOUT_EFFECT:
            assert consent is None
            return
        assert kind in {"says", "both"}, "an effect that nobody agreed to"
        said = self.talk.turns[-1].understanding
        assert consent is not None
        assert (consent.turn, consent.words) == (self.turn, said.text)
        assert said.text not in NO_YES
        assert read_reply(self.pack, before, said).kind == "yes"
        assert is_consent_asked(self.pack, before)
        assert consent.read_back == before.question.reply or before.question.kind == "slot"
        task = before.task
        read_back = set((before.question.values or task.values).values())
        named = {v for n, v in call.arguments.items() if n not in {"customer", ABOUT_ARGUMENT}}
        assert named <= read_back, "other values"


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(BEGINNINGS),
    st.lists(MOVES, max_size=25),
    st.sampled_from(["chat", "voice", "call"]),
    st.sampled_from([None, 0.5]),
)
def test_any_conversation_keeps_the_laws(beginning, moves, channel, chance):
    bot = Watch(PACK, channel, chance=chance)
    for move in [*beginning, *moves]:
        bot.play(move)
    keys: dict[str, tuple] = {}
    for call in bot.calls:
        said = (call.name, dict(call.arguments))
        assert keys.setdefault(call.key, said) == said, "one key for two different things"


@settings(max_examples=30, deadline=None)
@given(st.lists(MOVES, max_size=15))
def test_the_same_conversation_gives_the_same_decisions(moves):
    first, second = Watch(PACK, "call"), Watch(PACK, "call")
    for move in moves:
        first.play(move)
        second.play(move)
        assert first.last == second.last
