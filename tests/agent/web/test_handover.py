"""A customer and the person who helps them, each in a window of one browser, on a real server.

The customer's widget and the console must agree at every moment about who talks to whom. The store,
the sockets and the pages are the real ones; only the customer's words are understood by a script.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

pytest.importorskip("selenium", reason="selenium is not installed (pip install -e .[dev])")
from selenium import webdriver
from selenium.webdriver.common.by import By

from audio.types import Expectation, Spoken
from dialogs.values import Understanding
from tests.agent.web.console_page import Page, browser_with_tone
from tests.agent.web.test_widget import STATUS, Widget
from tests.support.packs import bank_pack
from tests.support.scripted_models import DeafAnalyser, ScriptedMind
from tests.support.serving import Serving, in_hours, serving

pytestmark = [pytest.mark.browser, pytest.mark.socket]


class Feeling(ScriptedMind):
    """Hears from an exclamation mark that somebody is upset."""

    def understand(
        self, text: str, spoken: Spoken | None, expect: Expectation, *more: object, **rest: object
    ) -> Understanding:
        heard = super().understand(text, spoken, expect)
        return replace(heard, upset=0.97, upset_spread=0.02) if "!" in heard.text else heard


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    state, tokens = tmp_path_factory.mktemp("state"), {"agent_token": "a", "supervisor_token": "s"}
    mind, analyser = Feeling(bank_pack()), DeafAnalyser()
    with serving(state, mind, today=in_hours, analyser=analyser, **tokens) as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    yield from browser_with_tone(tmp_path_factory.mktemp("browser"))


class Windows:
    """One browser with a window for each of them; whoever is asked for comes to the front."""

    def __init__(self, driver: webdriver.Chrome, house: Serving) -> None:
        self._driver = driver
        self._house = house
        self._names: dict[str, str] = {}
        self._widget = Widget(driver, None)

    def _front(self, name: str) -> bool:
        """Whether that window is new."""
        if name in self._names:
            self._driver.switch_to.window(self._names[name])
            return False
        self._driver.switch_to.new_window("window")
        self._names[name] = self._driver.current_window_handle
        return True

    @property
    def customer(self) -> Widget:
        if self._front("customer"):
            self._driver.get(self._house.page)
            found = (By.CSS_SELECTOR, "hearken-widget")
            self._widget.until(lambda: self._driver.find_elements(*found))
            self._widget.root = self._driver.find_element(*found).shadow_root
            self._driver.execute_script("document.querySelector('hearken-widget').open()")
            self._widget.sees(".assistant", "How can I help you?")
        return self._widget

    def console(self, name: str, token: str = "a") -> Page:
        page = Page(self._driver, f"{self._house.page}/console")
        return page.enter(name, token) if self._front(name) else page

    def close(self) -> None:
        for handle in self._names.values():
            self._driver.switch_to.window(handle)
            self._driver.get("about:blank")  # whoever still talks is asked nothing
            self._driver.close()
        self._driver.switch_to.window(self._driver.window_handles[0])


@pytest.fixture
def windows(browser: webdriver.Chrome, house: Serving) -> Iterator[Windows]:
    windows = Windows(browser, house)
    yield windows
    windows.close()


def begins_a_transfer(customer: Widget) -> Widget:
    customer.sees(STATUS, "Automated assistant").type("transfer 50 dollars to savings")
    customer.sees(".assistant", "customer number").type("100421")
    customer.sees(".assistant", "passcode").type("4471")
    return customer.sees(".assistant", "Which account")


def test_a_person_comes_and_goes_and_the_assistant_goes_on(windows: Windows) -> None:
    windows.console("Ada").sees("#queue-empty", "Nobody is waiting")
    begins_a_transfer(windows.customer).type("I want to talk to a person")
    windows.customer.sees(STATUS, "waiting for a person").sees(".handoff", "number 1 in line")

    ada = windows.console("Ada").sees("#queue", "Asked for a person")
    ada.press("#queue .accept").talks("You are talking to").sees("#log", "transfer 50 dollars")
    assert ada.texts("#log .customer .text")[-1] == "I want to talk to a person"
    ada.sees("#claims", "Wants").press("#claims button")
    assert "transfer 50 dollars" in ada.find("#log .found").text
    ada.say("Hello, I am Ada. What is it?")

    windows.customer.sees(STATUS, "Talking to Ada").sees(".person", "Hello, I am Ada.")
    windows.customer.type("is the transfer safe")

    ada = windows.console("Ada").sees("#log .customer", "is the transfer safe")
    assert not ada.all("#log .sending")
    ada.say("It is.").press("#hand-back").press("#sure-yes").talks("The assistant is talking to")
    ada.sees_not("#say").sees_not("#mine-part")

    windows.customer.sees(".person", "It is.").sees(STATUS, "Automated assistant")
    windows.customer.sees(".notice", "automated assistant again").sees(".assistant", "go on with")
    customer = windows.customer.type("yes")
    customer.until(lambda: "Which account" in customer.texts(".assistant")[-1], "where it was")
    customer.type("checking").sees(".assistant", "$50.00")


def test_somebody_upset_is_seen_and_a_supervisor_takes_over(windows: Windows) -> None:
    dana = windows.console("Dana", "s")
    dana.sees("#live-title", "Live conversations")
    ada = windows.console("Ada")
    for words in ("what is my balance!", "I said my balance!", "this is ridiculous!"):
        windows.customer.type(words).sees(".customer", words)
    windows.customer.sees(STATUS, "waiting for a person")

    ada = windows.console("Ada").sees("#queue", "likely upset (97 %)")
    ada.keys("q", "a").talks("You are talking to").sees("#mood .now", "likely upset (97 %)")
    assert len(ada.all("#mood .point")) >= 2
    ada.sees("#mood .why", "!").say("I am sorry.")
    windows.customer.sees(".person", "I am sorry.")

    dana = windows.console("Dana", "s").sees("#live-rows", "Upset").sees("#live-rows", "Ada")
    dana.press("#live-rows .link").talks("Ada is talking to").sees("#log", "I am sorry.")
    dana.find("#whisper-text").send_keys("offer 10 dollars")
    dana.press("#whisper-button").sees("#log .whispered", "offer 10 dollars")
    ada = windows.console("Ada").sees("#log .whispered", "Dana whispers")

    dana = windows.console("Dana", "s").press("#take-over").press("#sure-yes")
    dana.talks("You are talking to").say("I am Dana.")
    customer = windows.customer.sees(STATUS, "Talking to Dana, supervisor")
    customer.sees(".person", "I am Dana.")
    assert "10 dollars" not in customer.find(".log").text
    windows.console("Ada").sees("#troubles", "Dana has taken over").sees_not("#say")

    dana = windows.console("Dana", "s").press("#close").press("#closing input[value=resolved]")
    dana.press("#closing .primary").talks("is over")
    windows.customer.sees(STATUS, "Conversation ended")


def test_a_console_that_is_opened_anew_has_its_conversation(windows: Windows) -> None:
    windows.customer.type("I want to talk to a person").sees(STATUS, "waiting for a person")
    ada = windows.console("Ada").press("#queue .accept").talks("You are talking to")
    ada.driver.refresh()
    ada.talks("You are talking to").say("I am back.")
    windows.customer.sees(".person", "I am back.").sees(STATUS, "Talking to Ada")


def test_a_spoken_conversation_is_taken_over_by_voice(windows: Windows) -> None:
    customer = windows.customer.press(".microphone").press(".consent .primary")
    customer.sees(".listening", "Microphone on").type("I want to talk to a person")
    customer.sees(STATUS, "waiting for a person")
    ada = windows.console("Ada").press("#queue .accept").talks("You are talking to")
    listens = (
        "AudioBuffer.prototype.copyToChannel = () => { window.heard = (window.heard ?? 0) + 1 }"
    )
    ada.run(listens)
    ada.press("#voice").sees("#on-air", "hears you")
    ada.until(lambda: (ada.run("return window.heard") or 0) > 5, "the customer is heard")
    speaks = "return document.querySelector('hearken-widget').speaker.turns.length"
    customer = windows.customer
    customer.until(lambda: customer.driver.execute_script(speaks), "the person is heard")
    windows.console("Ada").press("#on-air").sees_not("#on-air")
