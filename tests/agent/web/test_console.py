"""Is the console plain about who talks to whom, and does it hold when lines and people fail?

A real headless Chromium against `scripted_console`. Nothing here sleeps: every step waits for the
thing it needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("selenium", reason="selenium is not installed (pip install -e .[dev])")
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.agent.web.console_page import Page, browser_with_tone
from tests.agent.web.scripted_console import (
    BEGAN,
    TALK,
    Connection,
    ScriptedConsole,
    item,
    opened,
    row,
    waiting,
)
from tests.agent.web.scripted_server import WEB
from tests.agent.web.test_widget import contrast

pytestmark = pytest.mark.browser

REPLIES = [
    {"text": "What is your customer number?", "why": "Next in replacing a card"},
    {"text": "It takes five days.", "why": "From the documents: Cards"},
]
BY_ADA = {"owner": "person", "name": "Ada"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    yield from browser_with_tone(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedConsole]:
    with ScriptedConsole() as server:
        yield server


@pytest.fixture
def server(running: ScriptedConsole) -> ScriptedConsole:
    running.forget()
    running.first = (queue(waiting("s1")),)
    running.conversations = {"s1": opened("s1")}
    return running


@pytest.fixture
def page(browser: webdriver.Chrome, server: ScriptedConsole) -> Iterator[Page]:
    page = Page(browser, server.url)
    yield page
    broken = [entry["message"] for entry in browser.get_log("browser")]
    page.leave()
    assert not [words for words in broken if "Content Security" in words or "Uncaught" in words]


def queue(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"type": "queue", "waiting": list(entries)}


def received(page: Page, console: Connection, kind: str, count: int = 1) -> list[dict[str, Any]]:
    page.until(lambda: len(console.of_type(kind)) >= count, f"{count} {kind} received")
    return console.of_type(kind)


def talking(page: Page, server: ScriptedConsole, **more: Any) -> Connection:
    """Ada has accepted, and the conversation is hers."""
    page.enter().press("#queue .accept")
    console = server.consoles[-1]
    assert received(page, console, "accept") == [{"type": "accept", "session": "s1", "id": 1}]
    server.conversations["s1"] = opened("s1", **BY_ADA, **more)
    console.push(server.conversations["s1"], queue())
    page.talks("You are talking to Patricia Miller")
    return console


# ---- coming in


def test_the_token_is_kept_until_the_tab_is_closed_and_nowhere_else(
    page: Page, server: ScriptedConsole
) -> None:
    page.enter("Ada").sees("#who", "Ada · agent")
    assert page.run(
        "return [Object.keys(localStorage).length, location.href, document.cookie]"
    ) == [
        0,
        server.url,
        "",
    ]
    page.driver.refresh()
    page.sees("#line", "Connected")
    assert [console.name for console in server.consoles] == ["Ada", "Ada"]
    page.press("#leave-button").until(lambda: page.find("#login").is_displayed())
    assert page.run("return Object.values(sessionStorage)") == ["Ada"]


def test_a_link_with_a_token_asks_only_for_the_name(page: Page, server: ScriptedConsole) -> None:
    page.driver.get(f"{server.url}#token=agent")
    page.until(lambda: page.focused() == "login-name", "asks for the name")
    assert not page.find("#login-token").is_displayed()
    assert page.run("return location.href") == server.url, "the token is not left in the address"
    page.driver.refresh()
    page.until(lambda: page.focused() == "login-name", "and after a reload")
    assert not page.find("#login-token").is_displayed()
    page.find("#login-name").send_keys("Ada", Keys.ENTER)
    page.sees("#who", "Ada · agent")
    page.press("#leave-button").until(lambda: page.find("#login-token").is_displayed())


def test_a_link_opened_where_the_login_is_shown_is_taken_too(
    page: Page, server: ScriptedConsole
) -> None:
    page.visit()
    page.driver.get(f"{server.url}#token=supervisor")  # the same page: only its fragment changes
    page.until(lambda: not page.find("#login-token").is_displayed(), "asks only for the name")
    page.find("#login-name").send_keys("Sue", Keys.ENTER)
    page.sees("#who", "Sue · supervisor")


def test_a_link_of_an_earlier_run_is_told_and_forgotten(
    page: Page, server: ScriptedConsole
) -> None:
    page.driver.get(f"{server.url}#token=old")
    page.find("#login-name").send_keys("Ada", Keys.ENTER)
    page.sees("#login-problem", "not one that may log in")
    assert page.find("#login-token").is_displayed()
    assert page.run("return Object.values(sessionStorage)") == ["Ada"]


def test_a_wrong_token_is_told_and_forgotten(page: Page, server: ScriptedConsole) -> None:
    page.log_in(token="guess").sees("#login-problem", "not one that may log in")
    assert page.focused() == "login-token"
    assert page.run("return Object.values(sessionStorage)") == ["Ada"]
    assert len(server.consoles) == 1, "it is not tried again"


def test_a_closed_console_says_what_opens_it(page: Page, server: ScriptedConsole) -> None:
    server.off = True
    page.log_in().sees("#login-problem", "set agent_token or supervisor_token")


def test_the_same_name_elsewhere_ends_this_console(page: Page, server: ScriptedConsole) -> None:
    page.enter()
    server.consoles[-1].close(4001)
    page.sees("#login-problem", "logged in with this name somewhere else")
    assert len(server.consoles) == 1


# ---- the queue


def test_the_queue_tells_in_words_what_colours_tell(page: Page, server: ScriptedConsole) -> None:
    server.first = (
        queue(
            waiting("s1", urgency="high", upset=0.71, rule="upset_over_turns", waited_s=254.0),
            waiting("s2", customer="100421", present=False, upset=None),
            waiting("s3", customer="", here=False),
        ),
    )
    page.enter().sees("#queue-count", "3")
    first, second, third = page.all("#queue li")
    for words in ("Patricia Miller", "Upset over several turns", "Urgent", "likely upset (71 %)"):
        assert words in first.text
    assert "Customer 100421" in second.text
    assert "Connection lost" in second.text
    assert "upset" not in second.text, "what is not known is not called calm"
    assert "On another server" in third.text
    assert not third.find_element(By.CSS_SELECTOR, ".accept").is_enabled()
    assert "3 waiting" in page.driver.title
    timer = first.find_element(By.CSS_SELECTOR, ".timer")
    began = timer.text
    minutes, seconds = map(int, began.split(":"))
    assert 60 * minutes + seconds >= 254
    page.until(lambda: timer.text != began, "the time goes on")


def test_a_list_that_changes_keeps_the_focus(page: Page, server: ScriptedConsole) -> None:
    page.enter().sees("#queue", "Patricia").keys("q")
    server.consoles[-1].push(queue(waiting("s0", urgency="high", customer="Sam"), waiting("s1")))
    page.sees("#queue", "Sam")
    assert "Patricia" in page.focused()
    server.consoles[-1].push(queue(waiting("s0", customer="Sam")))
    page.until(lambda: "Sam" in page.focused(), "the next one gets the focus")


def test_who_is_too_late_is_told(page: Page, server: ScriptedConsole) -> None:
    page.enter().press("#queue .accept")
    late = {"type": "error", "code": "too_late", "message": "Somebody else has taken it."}
    server.consoles[-1].push(late, queue())
    page.sees("#troubles", "Somebody else has taken it.").sees("#queue-empty", "Nobody is waiting")
    page.keys("x").sees_not("#troubles p")


def test_calls_to_return_are_listed(page: Page, server: ScriptedConsole) -> None:
    ticket = {"ticket": "C-17", "session": "s9", "customer": "Sam", "why": "closed"}
    where = {"contact": "+1 415-555-0123", "name": "Sam Hill", "due_at": BEGAN}
    tickets = [ticket | where | {"written_at": BEGAN, "summary": "Wants: a new card"}]
    tickets.append(ticket | {"ticket": "C-18", "written_at": BEGAN, "summary": ""})
    server.first = (queue(), {"type": "calls_back", "tickets": tickets})
    page.enter().sees("#calls-count", "2").press("#calls-part summary")
    page.sees("#calls", "Outside opening hours").sees("#calls", "C-17").sees("#calls", "Wants: a")
    page.sees("#calls", "+1 415-555-0123").sees("#calls", "Sam Hill")
    page.sees("#calls", "No number or address was noted")


def test_a_call_that_was_returned_is_done(page: Page, server: ScriptedConsole) -> None:
    ticket = {"ticket": "C-17", "session": "s9", "customer": "Sam", "why": "closed"}
    calls = {"type": "calls_back", "tickets": [ticket | {"written_at": BEGAN, "summary": ""}]}
    server.first = (queue(), calls)
    page.enter().sees("#calls-count", "1").press("#calls-part summary").press("#calls .done")
    console = server.consoles[-1]
    (sent,) = received(page, console, "call_back_done")
    assert (sent["ticket"], sent["outcome"]) == ("C-17", "reached")
    console.push({"type": "calls_back", "tickets": []})
    page.sees("#calls-empty", "Nobody has to be called back")


# ---- the conversation


def test_it_is_plain_who_owns_the_conversation(page: Page, server: ScriptedConsole) -> None:
    page.enter().press("#queue .entry").talks("Patricia Miller is waiting for a person")
    page.sees("#reading", "Accept the conversation").sees_not("#say")
    console = server.consoles[-1]
    owned = {"type": "owner", "session": "s1"}
    console.push(owned | BY_ADA)
    page.talks("You are talking to Patricia Miller").sees("#mine", "Patricia Miller")
    console.push(owned | {"owner": "supervisor", "name": "Dana"})
    page.talks("Dana, supervisor, is talking to Patricia Miller").sees_not("#say")
    page.sees("#troubles", "Dana has taken over")
    console.push(owned | {"owner": "bot", "name": ""})
    page.talks("The assistant is talking to").sees("#owner-note", "You do not see what is said")
    console.push({"type": "closed", "session": "s1", "reason": "The customer has left."})
    page.talks("is over").sees("#owner-note", "The customer has left.")


def test_a_claim_leads_to_the_turn_it_comes_from(page: Page, server: ScriptedConsole) -> None:
    long = [item(n, "bot", "and so on " * 20, turn=n) for n in range(6, 20)]
    talking(page, server, items=[*TALK, *long])
    link = page.find("#claims dd:last-of-type button")
    assert (link.text, "upset" in page.find("#claims").text) == ("0:16", True)
    link.click()
    found = page.find("#log .found")
    assert "I told you twice already!" in found.text
    inside = """const [log, line] = [...arguments].map((e) => e.getBoundingClientRect());
        return line.top >= log.top && line.bottom <= log.bottom"""
    assert page.run(inside, page.find("#log"), found)
    console = server.consoles[-1]
    console.push({"type": "item", "session": "s1", "item": item(21, "customer", "hello?", turn=21)})
    page.sees("#log", "hello?")
    assert page.run(inside, page.find("#log"), found), "who reads is left in peace"
    page.press("#newer").sees_not("#newer")


def test_a_claim_that_names_its_turn_has_the_link_there(
    page: Page, server: ScriptedConsole
) -> None:
    links = [{"turn": 1, "at": 8.0}, {"turn": 2, "at": 16.0}]
    claim = {"label": "Wants", "text": "a card (turn 1), by Friday", "links": links}
    talking(page, server, claims=[claim])
    assert re.sub(r"\s", "", page.find("#claims dd").text) == "acard0:08,byFriday0:16"


def test_moods_can_be_asked_why(page: Page, server: ScriptedConsole) -> None:
    console = talking(page, server)
    page.find("#log").click()
    page.keys("m").sees("#mood .why", "much louder").sees("#mood .why", "+0.40")
    page.sees("#mood .now", "likely upset (71 %) · sounds angry")
    page.keys(Keys.ARROW_LEFT).sees("#mood .why", "I lost my card")
    mood = {"type": "mood", "session": "s1", "at": 30.0, "turn": 3, "upset": 0.2, "evidence": []}
    console.push(mood)
    page.sees("#mood .now", "not upset (20 %)").sees("#mood .why", "I lost my card")
    page.keys(Keys.ENTER)
    assert "I lost my card" in page.find("#log .found").text


def test_a_suggestion_is_never_sent_by_itself(page: Page, server: ScriptedConsole) -> None:
    console = talking(page, server, suggestions=REPLIES)
    page.press("#suggestions button")
    field = page.find("#say-text")
    assert field.get_attribute("value") == "What is your customer number?"
    assert page.focused() == "say-text"
    page.keys(Keys.ESCAPE, "2")
    both = "What is your customer number? It takes five days."
    assert field.get_attribute("value") == both
    assert not console.of_type("say")
    page.keys(Keys.ENTER)
    assert received(page, console, "say") == [{"type": "say", "session": "s1", "text": both}]
    page.sees("#log .sending", both)
    console.push({"type": "item", "session": "s1", "item": item(6, "person", both, name="Ada")})
    page.sees_not("#log .sending").sees("#log .person", both)


def test_a_line_that_is_known_better_is_not_shown_twice(
    page: Page, server: ScriptedConsole
) -> None:
    console = talking(page, server)
    first = item(6, "customer", "by Friday")
    console.push({"type": "item", "session": "s1", "item": first})
    better = first | {"turn": 3, "upset": 0.5, "intent": "replace_card", "confidence": 0.3}
    console.push({"type": "item", "session": "s1", "item": better})
    page.sees("#log", "perhaps: Replace card")
    assert len([text for text in page.texts("#log .customer") if "by Friday" in text]) == 1


def test_two_conversations_keep_their_drafts_and_count_what_is_new(
    page: Page, server: ScriptedConsole
) -> None:
    console = talking(page, server)
    page.find("#say-text").send_keys("one moment")
    server.conversations["s2"] = opened("s2", **BY_ADA, customer="Sam")
    console.push(server.conversations["s2"])
    page.sees("#mine", "Sam")
    more = item(6, "customer", "are you there?", turn=9)
    console.push({"type": "item", "session": "s2", "item": more})
    page.sees("#mine", "1 new").sees("#told", "Sam has written.")
    page.press("#mine li:last-child .entry").talks("You are talking to Sam")
    assert page.find("#say-text").get_attribute("value") == ""
    assert not page.all(".unread")
    page.press("#mine li:first-child .entry").talks("You are talking to Patricia Miller")
    assert page.find("#say-text").get_attribute("value") == "one moment"


def test_handing_back_and_closing_are_asked_about(page: Page, server: ScriptedConsole) -> None:
    console = talking(page, server)
    page.press("#hand-back").sees("#sure", "Hand Patricia Miller back").press("#sure-no")
    page.press("#hand-back").press("#sure-yes")
    assert received(page, console, "hand_back") == [{"type": "hand_back", "session": "s1"}]
    page.press("#close").sees("#closing", "Needs follow-up").keys(Keys.ESCAPE)
    page.press("#close").press("#closing input[value=follow_up]").press("#closing .primary")
    assert received(page, console, "close")[0]["outcome"] == "follow_up"
    page.press("#leave-button").sees("#sure", "Log out with 1 conversation").press("#sure-no")
    assert page.find("#desk").is_displayed()


MARKUP = "<img src=x onerror=window.hit=1><b>bold</b>"


def test_markup_stays_text(page: Page, server: ScriptedConsole) -> None:
    said = {"customer": MARKUP, "summary": MARKUP, "rule": MARKUP, "channel": MARKUP}
    ticket = {"ticket": MARKUP, "session": "s9", "written_at": BEGAN, "why": MARKUP}
    ticket |= {"contact": MARKUP, "name": MARKUP, "due_at": MARKUP}
    server.first = (
        queue(waiting("s1", **said)),
        {"type": "calls_back", "tickets": [ticket | {"customer": MARKUP, "summary": MARKUP}]},
    )
    page.enter(MARKUP[:60]).press("#queue .accept")
    kinds = ("customer", "bot", "person", "owner", "handoff", "action", "notice")
    items = [
        item(n, kind, MARKUP, name=MARKUP, intent=MARKUP, emotion=MARKUP, flow=MARKUP, upset=0.9)
        for n, kind in enumerate(kinds, 1)
    ]
    evidence = [{"term": MARKUP, "weight": 0.4, "turn": 1, "at": 1.0, "detail": MARKUP}]
    server.consoles[-1].push(
        opened(
            "s1",
            "person",
            MARKUP[:60],
            customer=MARKUP,
            items=items,
            claims=[{"label": MARKUP, "text": MARKUP, "links": [{"turn": 1, "at": 1.0}]}],
            moods=[[1.0, 0.9, 1, MARKUP, evidence]],
            suggestions=[{"text": MARKUP, "why": MARKUP}],
        ),
        {"type": "whisper", "session": "s1", "name": MARKUP, "text": MARKUP},
        {"type": "error", "code": "x", "message": MARKUP},
    )
    page.sees("#troubles", MARKUP).sees(".whispered", MARKUP).sees("#claims", MARKUP)
    page.sees("#suggestions", MARKUP).sees("#mood .why", MARKUP).talks(f"talking to {MARKUP}")
    page.press("#calls-part summary").sees("#calls", MARKUP)
    assert not page.all("img, #log b b, #queue b b")
    assert page.run("return window.hit") is None


# ---- the line


def test_a_lost_line_is_told_and_comes_back(page: Page, server: ScriptedConsole) -> None:
    console = talking(page, server)
    page.find("#say-text").send_keys("half a sent")
    server.recovered = ["s1"]
    server.off = True  # nobody can come back yet
    page.run("window.fetch = () => Promise.reject(new TypeError('no network'))")
    console.close(1001)
    page.sees("#line", "Connection lost")
    page.until(lambda: not page.find("#say-button").is_enabled(), "nothing can be sent")
    page.find("#say-text").send_keys("ence", Keys.ENTER)
    server.off = False
    page.sees("#line", "Connected").talks("You are talking to Patricia Miller")
    again = server.consoles[-1]
    assert again is not console
    assert again.received[:2] == [console.received[0], {"type": "watch", "session": "s1"}]
    assert page.find("#say-text").get_attribute("value") == "half a sentence"
    page.until(lambda: page.find("#say-button").is_enabled())


def test_a_network_that_goes_is_noticed_before_the_line_breaks(
    page: Page, server: ScriptedConsole
) -> None:
    console = talking(page, server)
    server.recovered = ["s1"]
    page.run("dispatchEvent(new Event('offline')); dispatchEvent(new Event('online'))")
    page.until(lambda: server.consoles[-1] is not console, "another connection")
    page.sees("#line", "Connected").talks("You are talking to Patricia Miller")
    assert len(server.consoles) == 2


@pytest.mark.parametrize("arrived", [True, False])
def test_nothing_is_said_twice_and_nothing_is_lost_unseen(
    page: Page, server: ScriptedConsole, arrived: bool
) -> None:
    console = talking(page, server)
    page.say("I am Ada")
    received(page, console, "say")
    server.recovered = ["s1"]
    if arrived:
        said = item(6, "person", "I am A.", name="Ada")  # what is private may be worded anew
        server.conversations["s1"] = opened("s1", **BY_ADA, items=[*TALK, said])
    console.close(1001)
    page.until(lambda: server.consoles[-1] is not console, "another connection")
    received(page, server.consoles[-1], "watch")
    page.sees_not("#log .sending")
    field = page.find("#say-text")
    if arrived:
        page.sees("#log", "I am A.")
        assert field.get_attribute("value") == ""
    else:
        page.sees("#troubles", "did not arrive")
        assert field.get_attribute("value") == "I am Ada"
    assert not server.consoles[-1].of_type("say")


def test_a_conversation_that_others_got_meanwhile_is_told(
    page: Page, server: ScriptedConsole
) -> None:
    console = talking(page, server)
    server.conversations["s1"] = opened("s1", "person", "Bob")
    console.close(1001)
    page.sees("#troubles", "You no longer have the conversation with Patricia Miller")
    page.sees_not("#say").sees_not("#mine-part")


def test_a_console_that_was_too_slow_opens_again_what_it_shows(
    page: Page, server: ScriptedConsole
) -> None:
    console = talking(page, server)
    server.conversations["s1"] = opened("s1", **BY_ADA, items=[*TALK, item(9, "bot", "missed")])
    console.push({"type": "lost"})
    page.sees("#log", "missed")


def test_what_newer_servers_say_is_left_alone(page: Page, server: ScriptedConsole) -> None:
    console = talking(page, server)
    console.push({"type": "weather", "session": "s1"}, {"type": "item", "session": "nobody"})
    console.push({"type": "item", "session": "s1", "item": item(7, "riddle", "What is new?")})
    page.sees("#log", "What is new?")


# ---- supervisors


def test_a_supervisor_sees_first_what_needs_a_look(page: Page, server: ScriptedConsole) -> None:
    live = [
        row("s1"),
        row("s2", customer="Sam", alert="stuck", owner="person", name="Ada", turns=9),
        row("s3", customer="", upset=None, moods=[], present=False),
    ]
    server.first = (queue(), {"type": "sessions", "live": live})
    server.conversations["s2"] = opened("s2", **BY_ADA, customer="Sam")
    page.enter("Dana", "supervisor").sees("#live-count", "3")
    rows = page.texts("#live-rows tr")
    assert rows[0].startswith("Sam")
    assert "Going in circles" in rows[0]
    assert "connection lost" in rows[2]
    assert "not enough heard" in rows[2]
    page.keys("l", Keys.ENTER).talks("Ada is talking to Sam").sees("#reading", "Only Ada can write")
    console = server.consoles[-1]
    page.keys("w", "offer a refund", Keys.ENTER)
    said = {"type": "whisper", "session": "s2", "text": "offer a refund"}
    assert received(page, console, "whisper") == [said]
    console.push(said | {"name": "Dana"})
    page.sees("#log .whispered", "You whispered The customer does not see this.")
    page.press("#take-over").sees("#sure", "Ada is told").press("#sure-yes")
    assert received(page, console, "take_over") == [{"type": "take_over", "session": "s2"}]
    console.push(opened("s2", "supervisor", "Dana", customer="Sam"))
    page.talks("You are talking to Sam").sees("#log .whispered", "offer a refund")
    page.sees_not("#take-over").sees_not("#whisper").press("#live-button")
    assert page.find("#live").is_displayed()


def test_a_whisper_reaches_who_talks(page: Page, server: ScriptedConsole) -> None:
    console = talking(page, server)
    console.push({"type": "whisper", "session": "s1", "name": "Dana", "text": "be kind"})
    page.sees("#log .whispered", "Dana whispers The customer does not see this.")


# ---- voice


def test_a_person_speaks_and_hears(page: Page, server: ScriptedConsole) -> None:
    console = talking(page, server, voice=True, channel="voice")
    page.press("#voice").sees("#on-air", "Patricia Miller hears you")
    voice = {"type": "voice", "session": "s1"}
    assert received(page, console, "voice") == [voice | {"on": True}]
    page.until(lambda: len(console.audio) >= 25, "half a second of sound")
    assert {len(frame) for frame in console.audio} == {640}
    played = """const [done] = arguments;
        const copy = AudioBuffer.prototype.copyToChannel;
        AudioBuffer.prototype.copyToChannel = function (samples, at) {
          copy.call(this, samples, at);
          window.heard = [samples.length, samples[0], this.sampleRate];
        };"""
    page.run(played)
    console.push((16384).to_bytes(2, "little", signed=True) * 320)
    page.until(lambda: page.run("return window.heard") == [320, 0.5, 16000], "heard")
    page.press("#on-air").sees_not("#on-air")
    assert received(page, console, "voice", 2)[1] == voice | {"on": False}
    page.press("#voice").sees("#on-air", "hears you")
    console.push({"type": "owner", "session": "s1", "owner": "supervisor", "name": "Dana"})
    page.sees_not("#on-air")


def test_without_a_microphone_one_can_still_write(page: Page, server: ScriptedConsole) -> None:
    talking(page, server, voice=True)
    page.run("navigator.mediaDevices.getUserMedia = () => "
             "Promise.reject(new DOMException('', 'NotAllowedError'))")  # fmt: skip
    page.press("#voice").sees("#troubles", "microphone is blocked").sees_not("#on-air")
    assert not server.consoles[-1].of_type("voice")


# ---- for everyone


def test_everything_can_be_done_by_keyboard(page: Page, server: ScriptedConsole) -> None:
    server.first = (queue(waiting("s0", customer="Sam"), waiting("s1")),)
    page.enter().sees("#queue", "Patricia").keys("q", Keys.ARROW_DOWN)
    assert "Patricia" in page.focused()
    width = "return getComputedStyle(document.activeElement).outlineWidth"
    assert page.run(width) == "3px"
    page.keys(Keys.ENTER).talks("is waiting").keys("a")
    console = server.consoles[-1]
    received(page, console, "accept")
    console.push(opened("s1", **BY_ADA, suggestions=REPLIES), queue())
    page.talks("You are talking to").until(lambda: page.focused() == "say-text", "may write")
    page.keys("ahc?v1")
    assert page.find("#say-text").get_attribute("value") == "ahc?v1", "no key acts while writing"
    assert not page.all("dialog[open]")
    page.keys(Keys.ESCAPE)
    assert page.focused() == "log"
    page.keys("s")
    assert page.focused() == "0:08"
    page.keys(Keys.ENTER, "?").sees("#help", "Accept the chosen conversation")
    page.keys("c")
    assert len(page.all("dialog[open]")) == 1, "no key acts behind a dialog"
    page.keys(Keys.ESCAPE, "c").sees("#closing", "How did it end?")
    page.keys(Keys.ARROW_DOWN, Keys.ENTER)
    assert received(page, console, "close")[0]["outcome"] == "follow_up"
    page.keys("h").sees("#sure", "Hand").keys(Keys.ENTER)
    received(page, console, "hand_back")


def test_single_keys_can_be_turned_off(page: Page) -> None:
    page.enter().sees("#queue", "Patricia").keys("?").press("#keys-on").keys(Keys.ESCAPE)
    before = page.focused()
    page.keys("q")
    assert page.focused() == before
    page.keys("?").sees("#help", "Keys").press("#keys-on").keys(Keys.ESCAPE, "q")
    assert "Patricia" in page.focused()


NAMELESS = """const all = "button, input, textarea, [role=button], [role=log]";
  return [...document.querySelectorAll(all)]
    .filter((e) => e.checkVisibility())
    .filter((e) => !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length))
    .map((e) => e.outerHTML)"""


def test_everything_has_a_name_for_screen_readers(page: Page, server: ScriptedConsole) -> None:
    console = talking(page, server, suggestions=REPLIES, voice=True)
    console.push({"type": "error", "code": "x", "message": "Something."}, queue(waiting("s2")))
    page.sees("#troubles", "Something.").sees("#told", "New in the queue: Patricia Miller")
    assert page.run(NAMELESS) == []
    log = page.find("#log")
    assert (log.get_attribute("role"), log.get_attribute("aria-busy")) == ("log", "false")
    assert page.run("return document.querySelectorAll('h1:not([hidden])').length") >= 1


@pytest.mark.parametrize("size", [(1280, 800), (800, 600)])
def test_it_fits_the_screen(page: Page, server: ScriptedConsole, size: tuple[int, int]) -> None:
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        name = "Bartholomew Featherstonehaugh-Montgomery" + "x" * 60
        talking(page, server, suggestions=REPLIES, voice=True, claims=[])
        entries = (waiting("s2", customer=name, summary="y" * 200), waiting("s3", upset=0.8))
        server.consoles[-1].push(queue(*entries))
        page.sees("#queue-count", "2")
        whole = "const r = document.documentElement; return [r.scrollWidth, r.scrollHeight]"
        assert page.run(whole) == [width, height]
        wide = "const l = document.querySelector('.lists'); return l.scrollWidth <= l.clientWidth"
        assert page.run(wide)
        for selector in ("#say-button", "#close", "#hand-back", "#voice", "#leave-button"):
            rect = page.find(selector).rect
            assert rect["x"] + rect["width"] <= width, selector
            assert rect["y"] + rect["height"] <= height, selector
        assert page.find("#log").rect["height"] >= 200
        if width < 1100:
            page.press("#about-button").sees("#mood .now", "likely upset").keys(Keys.ESCAPE)
            assert not page.find("#about").is_displayed()
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def palettes() -> list[dict[str, str]]:
    style = (WEB / "console" / "console.css").read_text(encoding="utf-8")
    light, dark = style.split("@media (prefers-contrast")[0].split("@media (prefers-color-scheme")
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part)) for part in (light, dark)]


READ = [
    *((text, ground) for text in ("text", "quiet") for ground in ("ground", "surface", "raised")),
    *((text, ground) for text in ("text", "quiet") for ground in ("chosen", "theirs", "ours")),
    ("on-accent", "accent"),
    ("accent", "surface"),
    ("accent", "raised"),
    ("on-mine", "mine"),
    ("queued-text", "queued"),
    ("other-text", "other"),
    ("bot-text", "bot"),
    ("secret-text", "secret"),
    ("hot", "hot-ground"),
    ("hot", "surface"),
    ("hot", "raised"),
    ("hot", "chosen"),
    ("warm", "surface"),
    ("warm", "raised"),
    ("warm", "chosen"),
]


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_both_palettes_have_enough_contrast(palette: dict[str, str]) -> None:
    for text, ground in READ:
        assert contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
    for mark in ("edge", "focus", "cool", "warm", "hot"):
        assert contrast(palette[mark], palette["surface"]) >= 3, mark
        assert contrast(palette[mark], palette["raised"]) >= 3, mark
