"""`python -m tests.bench.outside_text [SIZE ...]`: what does text of the worst kinds cost?

Each stage that reads what customers type gets adversarial texts of some sizes in characters (by
default the longest turn that is accepted, and 64 kB), and its milliseconds are printed: with the
size, a stage that is linear costs 16 times as much, a quadratic one 256 times. A stage that needs
more than `BUDGET_S` for a text is not measured with larger ones of that kind.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from agent.config import Settings
from agent.core.inputs import TextReceived, TurnUnderstood
from agent.privacy.detection import detect
from agent.privacy.text_folding import fold_text
from agent.privacy.vault import Vault
from agent.understanding.text_features import plain_text
from agent.understanding.turn_understanding import TurnUnderstanding
from agent.wire.messages import MAX_TEXT
from audio.types import Expectation
from dialogs.agent_assist import suggest_replies
from dialogs.extraction.numbers import find_numbers
from dialogs.extraction.slots import extract
from dialogs.pack.model import Pack
from dialogs.values import History, Turn
from tests.support.packs import bank_pack
from tests.support.scripted_mind import Bot, understood

BUDGET_S = 3.0
TODAY = date(2026, 11, 24)
DIGITS, AMOUNT, CHOICE = (
    Expectation("digits", length=6), Expectation("amount"), Expectation("choice"),
)  # fmt: skip

KINDS = {
    "ordinals": "1st ",
    "at signs": "a@",
    "dots": "a.b.",
    "addresses": "a at b dot ",
    "digits": "4 1 1 1 ",
    "one number": "4",
    "spoken digits": "four one one one ",
    "near numbers": "zerno fuor 1 ",
    "no": "no ",
    "to": "to ",
    "and": "and ",
    "not sorry": "no sorry i mean ",
    "spaces": "1" + " " * 63,
    "brackets": "[<",
    "commas": ",1 ",
    "slashes": "1/1/",
    "marks": "a\u0301\u0327",
    "ligatures": "\ufdfa",
    "one word": "x",
    "my pin": "my pin is the number ",
    "amounts": "transfer 50 dollars to savings ",
    "dates": "next monday at 5 pm on may 3rd ",
    "cards": "my card is 4111 1111 1111 1111 ",
    "phones": "(415) 555-2671 ",
    "sentences": "I would like to know what the fee for a wire transfer is. ",
}


def text_of(kind: str, size: int) -> str:
    unit = KINDS[kind]
    return (unit * (size // len(unit) + 1))[:size]


def stages(pack: Pack) -> dict[str, Callable[[str], object]]:
    """By name: what reads a customer's text, in the order in which a server does."""
    mind = TurnUnderstanding.load(pack, Settings().weights)

    def pseudonymise(text: str) -> object:
        return Vault(pack, bytes(32)).pseudonymise(TextReceived(0.0, text), DIGITS)

    def pseudonymise_answer(text: str) -> object:
        vault = Vault(pack, bytes(32))
        vault.pseudonymise(TextReceived(0.0, "4111 1111 1111 1111 and 815932"), DIGITS)
        answer = understood(pack, "hello")
        event = TurnUnderstood(0.0, 1, replace(answer, text=text), None)
        return vault.pseudonymise(event, DIGITS)

    def understand(text: str) -> object:
        return mind.understand(text, None, Expectation(), TODAY, 1, 0.0)

    def decide(text: str) -> object:
        bot = Bot(pack)
        turn = replace(understood(pack, "hello"), text=text, intent="question")
        return bot.dialogue.on_understood(bot.state, bot.talk, turn, 1.0, 1)

    def hand_over(text: str) -> object:
        bot = Bot(pack)
        turn = replace(understood(pack, "hello"), text=text, intent="talk_to_person")
        return bot.dialogue.on_understood(bot.state, bot.talk, turn, 1.0, 1)

    def assist(text: str) -> object:
        bot = Bot(pack)
        said = replace(understood(pack, "hello"), text=text, intent="question")
        history = History(turns=(Turn(1, "customer", 0.0, said),))
        return suggest_replies(pack, bot.state, history, TODAY)

    return {
        "fold_text": fold_text,
        "detect": lambda text: detect(text, Expectation(), pack),
        "detect, digits asked": lambda text: detect(text, DIGITS, pack),
        "vault, typed": pseudonymise,
        "vault, understood": pseudonymise_answer,
        "find_numbers": lambda text: find_numbers(text.lower(), "digits"),
        "extract": lambda text: extract(text, pack, Expectation(), TODAY),
        "extract, digits asked": lambda text: extract(text, pack, DIGITS, TODAY),
        "extract, amount asked": lambda text: extract(text, pack, AMOUNT, TODAY),
        "extract, choice asked": lambda text: extract(text, pack, CHOICE, TODAY),
        "plain_text": plain_text,
        "understand": understand,
        "find_answer": pack.knowledge.find_answer,
        "decide": decide,
        "hand over": hand_over,
        "assist": assist,
    }


def measure(stage: Callable[[str], object], text: str) -> float:
    began = time.perf_counter()
    stage(text)
    return time.perf_counter() - began


def main() -> None:
    sizes = [int(one) for one in sys.argv[1:]] or [MAX_TEXT, 64_000]
    for name, stage in stages(bank_pack()).items():
        stage("hello 1 2 3")  # builds its tables
        print(name)
        for kind in KINDS:
            costs: list[str] = []
            for size in sizes:
                cost_s = measure(stage, text_of(kind, size))
                costs.append(f"{1000 * cost_s:9.1f}")
                if cost_s > BUDGET_S:
                    break
            print(f"  {kind:16}{' '.join(costs)}", flush=True)


if __name__ == "__main__":
    main()
