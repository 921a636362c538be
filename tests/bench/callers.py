"""`python -m tests.bench.callers`: how many invented callers reach their aim over a poor line?

Each caller has one aim and answers what is asked. A share of the words arrives misheard (letters
changed, words lost), as a weak recogniser would deliver them, with a confidence to match. Counted:
aims reached, wrong orders carried out (what must never happen), hand-overs, and turns needed.
On a call the caller uses the keys when told to; over the web there are none.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from pathlib import Path

from agent.actions.bank import BankActions
from agent.understanding.turn_understanding import TurnUnderstanding
from audio.types import Spoken, Transcript
from dialogs.manager import Dialogue
from dialogs.pack.model import Pack
from dialogs.values import Channel, History, Turn
from tests.support.packs import bank_pack
from tests.support.scripted_mind import opening_time

TODAY = date(2026, 11, 24)
WEIGHTS = Path(__file__).parents[2] / "agent" / "weights"
TURNS = 30


@dataclass(frozen=True, slots=True)
class Aim:
    says: tuple[str, ...]
    answers: dict[str, str]  # slot -> words
    action: str
    arguments: dict[str, str]


KNOWN = {"customer_number": "one zero zero four two one", "passcode": "four four seven one"}
KEYS = {"customer_number": "100421", "passcode": "4471"}
FLOWS = {
    "transfer": "transfer_money",
    "balance": "check_balance",
    "block_card": "report_lost_card",
    "book_appointment": "schedule_appointment",
}
AIMS = (
    Aim(("i'd like to transfer some money", "move money between my accounts please"),
        {"from_account": "from checking", "to_account": "to my savings account",
         "amount": "two hundred fifty dollars"},
        "transfer", {"from_account": "checking", "to_account": "savings", "amount": "250.00"}),
    Aim(("what's the balance of my savings account", "how much is in my savings"),
        {"account": "savings"}, "balance", {"account": "savings"}),
    Aim(("i lost my debit card", "my debit card was stolen this morning"),
        {"card": "debit card", "wants_replacement": "no"}, "block_card", {"card": "debit"}),
    Aim(("i want to pay my electric bill", "pay the electricity bill please"),
        {"payee": "valley power", "amount": "eighty dollars"},
        "pay_bill", {"payee": "Valley Power", "amount": "80.00"}),
    Aim(("i need to order checks", "i'm out of checks"),
        {"boxes": "two boxes"}, "order_checks", {"boxes": "2"}),
    Aim(("i need a new debit card because mine is broken", "could i get a replacement debit card"),
        {"card": "the debit card"}, "replace_card", {"card": "debit"}),
    Aim(("i'd like to make an appointment", "schedule an appointment please"),
        {"branch": "downtown", "topic": "a loan", "date": "next thursday", "time": "ten thirty",
         "name": "my name is ada lovelace"},
        "book_appointment", {"branch": "Downtown", "date": "2026-12-03", "time": "10:30"}),
    Aim(("when is the riverside branch open on friday", "hours of the riverside branch on friday"),
        {"branch": "riverside"}, "branch_hours", {"branch": "Riverside", "date": "2026-11-27"}),
    Aim(("i forgot my password", "i need to reset my online banking password"),
        {}, "reset_password", {}),
)  # fmt: skip
HARMLESS = {"verify_customer", "balance", "branch_hours"}


def misheard(words: str, rate: float, chance: random.Random) -> str:
    out = []
    for word in words.split():
        if chance.random() >= rate:
            out.append(word)
        elif chance.random() < 0.8 and len(word) > 2:
            at = chance.randrange(len(word))
            letter = chance.choice("aeioutrsn")
            out.append(word[:at] + chance.choice([letter, "", letter + word[at]]) + word[at + 1 :])
    return " ".join(out)


def call(
    pack: Pack,
    mind: TurnUnderstanding,
    aim: Aim,
    rate: float,
    chance: random.Random,
    channel: Channel = "call",
) -> Counter[str]:
    bank = BankActions(":memory:", pack, opening_time)
    keys = False  # after the hint, digits are keyed in
    dialogue = Dialogue(pack, "bench", TODAY, channel)
    decision, talk, count = dialogue.on_opened(), History(channel), Counter[str]()
    words = chance.choice(aim.says)
    for turn in range(1, TURNS):
        keyed = (
            keys
            and decision.expectation.kind == "digits"
            and decision.state.question.kind == "slot"
        )
        if keyed:
            heard, spoken = KEYS[decision.state.question.name], None
        else:
            sure = max(0.05, 1.0 - rate * chance.uniform(0.5, 2.0))
            heard = misheard(words, rate, chance)
            spoken = Spoken(Transcript(heard, sure), None)
        where = "/".join(decision.state.flow_and_step)
        what = mind.understand(heard, spoken, decision.expectation, TODAY, turn, float(turn), where)
        decision = dialogue.on_understood(decision.state, talk, what, float(turn), turn)
        talk = replace(talk, turns=(*talk.turns, Turn(turn, "customer", float(turn), what)))
        while decision.action_call:
            outcome = bank.perform(decision.action_call)
            right = decision.action_call.name == aim.action and all(
                decision.action_call.arguments.get(n) == v for n, v in aim.arguments.items()
            )
            count["reached"] += right and outcome.ok
            count["wrong"] += not right and outcome.ok and decision.action_call.name not in HARMLESS
            decision = dialogue.on_action_result(decision.state, talk, outcome, float(turn), turn)
        count["turns"] = turn
        count["handed over"] += decision.escalation is not None
        if decision.ends_session or decision.state.waiting_for_person or count["reached"]:
            break
        keys = keys or any(reply.step == "keypad" for reply in decision.replies)
        words = answer(decision, aim, chance)
    bank.close()
    return count


def answer(decision, aim: Aim, chance: random.Random) -> str:
    """A plain caller: says yes to what is right, no to what is not, and answers questions."""
    question = decision.state.question
    match question.kind:
        case "slot":
            return (aim.answers | KNOWN).get(question.name) or "i don't know"
        case "confirm":
            task = decision.state.task
            if task.flow != FLOWS.get(aim.action, aim.action):
                return "no"
            asked = {n: f.value for n, f in task.slots.items()}
            wrong = [n for n, v in aim.arguments.items() if n in asked and asked[n] != v]
            return f"no {aim.answers[wrong[0]]}" if wrong and wrong[0] in aim.answers else "yes"
        case "intent":
            return "yes" if question.name == FLOWS.get(aim.action, aim.action) else "no"
        case "change":
            task = decision.state.task
            if task.flow != FLOWS.get(aim.action, aim.action):
                return "cancel"
            asked = {n: f.value for n, f in task.slots.items()}
            wrong = [n for n, v in aim.arguments.items() if asked.get(n) != v and n in aim.answers]
            return aim.answers[wrong[0]] if wrong else "cancel"
        case "person":
            return "no"
        case _:
            return chance.choice(aim.says)


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    pack = bank_pack()
    mind = TurnUnderstanding.load(pack, WEIGHTS)
    channels: tuple[Channel, ...] = ("call", "voice")
    for channel, rate in product(channels, (0.0, 0.1, 0.2, 0.3, 0.4)):
        chance = random.Random(7)
        total: Counter[str] = Counter()
        for aim in AIMS:
            for _ in range(calls):
                total += call(pack, mind, aim, rate, chance, channel)
        n = len(AIMS) * calls
        print(
            f"{channel}, words misheard {rate:.0%}: reached {total['reached'] / n:.1%}, "
            f"wrong orders {total['wrong'] / n:.1%}, handed over {total['handed over'] / n:.1%}, "
            f"turns {total['turns'] / n:.1f}"
        )


if __name__ == "__main__":
    main()
