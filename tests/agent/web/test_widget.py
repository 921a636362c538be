"""Does the widget do its part in a real browser: talk, listen, speak, hand over, stay usable?

The browser is a headless Chromium whose microphone is a WAV file with a 1 kHz tone, the server is
`scripted_server`. Nothing here sleeps: every step waits for the thing it needs.
"""

import re
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("selenium", reason="selenium is not installed (pip install -e .[dev])")
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.agent.web.chromium import chromium
from tests.agent.web.scripted_server import (
    WEB,
    Connection,
    ScriptedServer,
    handoff,
    owner,
    reply,
    understood,
)

pytestmark = pytest.mark.browser

TONE_HZ, TONE_PEAK = 1000.0, 0.5
WAIT_S = 10
STATUS = "header [role=status]"


def write_tone(path: Path) -> None:
    time = np.arange(48000 * 2) / 48000
    samples = (TONE_PEAK * 32767 * np.sin(2 * np.pi * TONE_HZ * time)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(samples.tobytes())


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    folder = tmp_path_factory.mktemp("browser")
    write_tone(folder / "tone.wav")
    yield from chromium(folder / "profile", folder / "tone.wav")


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def server(running: ScriptedServer) -> ScriptedServer:
    running.forget()
    return running


class Widget:
    """The widget as a customer meets it."""

    def __init__(self, driver: webdriver.Chrome, server: ScriptedServer) -> None:
        self.driver, self.server = driver, server

    def visit(self, **attributes: str) -> "Widget":
        self.driver.get(self.server.embed(**attributes))
        self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, "hearken-widget"))
        self.root = self.driver.find_element(By.CSS_SELECTOR, "hearken-widget").shadow_root
        return self

    def open(self, **attributes: str) -> "Widget":
        self.visit(open="true", **attributes)
        return self.sees(".assistant", "What can I do for you?")

    def until(self, condition: Callable[[], Any], hint: str = "") -> Any:
        changing = (StaleElementReferenceException, NoSuchElementException)
        wait = WebDriverWait(self.driver, WAIT_S, poll_frequency=0.05, ignored_exceptions=changing)
        return wait.until(lambda _: condition(), hint)

    def find(self, selector: str) -> WebElement:
        return self.root.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        return [element.text for element in self.root.find_elements(By.CSS_SELECTOR, selector)]

    def sees(self, selector: str, text: str) -> "Widget":
        self.until(
            lambda: any(text in shown for shown in self.texts(selector)),
            f"{text!r} in {selector}: {self.texts(selector)}",
        )
        return self

    def type(self, text: str) -> "Widget":
        self.find("textarea").send_keys(text, Keys.ENTER)
        return self

    def press(self, selector: str) -> "Widget":
        self.until(lambda: self.find(selector).is_displayed(), f"{selector} is shown")
        self.find(selector).click()
        return self

    def start_voice(self, agree: tuple[str, ...] = ()) -> Connection:
        self.press(".microphone")
        for name in agree:
            self.press(f".consent [name={name}]")
        self.press(".consent .primary")
        self.sees(".listening", "Microphone on")
        return self.session

    @property
    def session(self) -> Connection:
        return self.server.sessions[-1]

    def received(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        self.until(lambda: len(self.session.of_type(kind)) >= count, f"{count} {kind} received")
        return self.session.of_type(kind)

    def focused(self) -> str:
        script = "return arguments[0].activeElement?.className ?? ''"
        return str(self.driver.execute_script(script, self.root))


@pytest.fixture
def widget(browser: webdriver.Chrome, server: ScriptedServer) -> Iterator[Widget]:
    yield Widget(browser, server)
    browser.get("about:blank")  # leaves the conversation before the next one begins


@pytest.fixture
def phone(browser: webdriver.Chrome) -> Iterator[None]:
    size = {"width": 360, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    yield
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


# ---- chat


def test_a_question_gets_an_answer_its_source_and_suggestions(widget: Widget) -> None:
    widget.open(**{"customer-name": "Ada"}).type("What are your hours?")
    widget.sees(".assistant", "Main Street is open").sees(".note", "From: Branches")
    assert widget.session.of_type("hello")[0] == {
        "type": "hello",
        "protocol": 1,
        "channel": "chat",
        "customer": {"name": "Ada"},
    }
    widget.press(".suggestions button:last-child")
    assert widget.received("text", 2)[1]["text"] == "Make an appointment"
    widget.sees(".customer", "Make an appointment")


def test_the_demo_page_sends_its_samples(widget: Widget) -> None:
    widget.driver.get(widget.server.url)
    widget.until(lambda: widget.driver.find_elements(By.CSS_SELECTOR, "hearken-widget"))
    sample = widget.driver.find_element(By.CSS_SELECTOR, "[data-say*='lost my credit card']")
    widget.driver.execute_script("arguments[0].scrollIntoView({behavior: 'instant'})", sample)
    sample.click()
    widget.root = widget.driver.find_element(By.CSS_SELECTOR, "hearken-widget").shadow_root
    assert widget.received("text")[0]["text"].startswith("I lost my credit card")
    logged = [entry["message"] for entry in widget.driver.get_log("browser")]
    assert not [message for message in logged if "Content Security" in message or "404" in message]


def test_the_mood_is_told_in_words_and_never_made_up(widget: Widget) -> None:
    widget.open().sees(".mood .words", "not enough heard")
    widget.session.push(understood(-0.7, 0.64))
    widget.sees(".mood .words", "tense · likely upset (64 %)")
    widget.session.push(understood(None, None))
    widget.sees(".mood .words", "not enough heard")


@pytest.mark.parametrize("markup", ["<img src=x onerror=window.hit=1>", "<b>bold</b>&amp;"])
def test_markup_stays_text(widget: Widget, markup: str) -> None:
    widget.open().type(markup).sees(".assistant", markup).sees(".customer", markup)
    widget.session.push(
        reply(markup, suggestions=[markup], source={"title": markup}),
        {"type": "agent", "name": markup, "text": markup},
        {"type": "error", "code": "x", "message": markup},
        {"type": "partial", "turn": 1, "text": markup},
    )
    widget.sees(".problem", markup).sees(".name", markup).sees(".partial", markup)
    widget.sees(".suggestions button", markup)
    assert not widget.root.find_elements(By.CSS_SELECTOR, ".scroller img, .scroller b")
    assert widget.driver.execute_script("return window.hit") is None


def test_a_person_takes_over_and_hands_back(widget: Widget) -> None:
    widget.open().press(".person-button")
    assert widget.received("text")[0]["text"] == "talk to a person"
    widget.sees(".handoff", "You are number 3 in line. Expected wait: about 2 minutes.")
    widget.sees(STATUS, "Automated assistant – waiting for a person")
    widget.session.push(
        handoff("accepted"),
        owner("person", "Ruth"),
        {"type": "agent", "name": "Ruth", "text": "I can see your card."},
    )
    widget.sees(".handoff", "A person has joined").sees(".person", "I can see your card.")
    widget.sees(STATUS, "Talking to Ruth")
    assert widget.texts(".name") == ["Ruth"]
    widget.session.push(owner("supervisor", "Dana"))
    widget.sees(STATUS, "Talking to Dana, supervisor")
    widget.session.push(handoff("ended"), owner("bot"))
    widget.sees(".notice", "automated assistant again").sees(STATUS, "Automated assistant")
    assert widget.find(".handoff").text == ""
    assert widget.find(".handoff").get_attribute("role") == "status"
    page = widget.driver.execute_script("return arguments[0].innerHTML", widget.root)
    assert "secret" not in page, "evidence and summary are for the person who takes over"


def test_a_call_back_is_told_with_its_number(widget: Widget) -> None:
    widget.open().press(".person-button").sees(".handoff", "number 3 in line")
    widget.session.push(handoff("callback", ticket="C-17"), owner("bot"))
    widget.sees(".handoff", "We will call you back. Your number for that is C-17.")
    assert widget.texts(STATUS) == ["Automated assistant"]
    assert not widget.texts(".notice"), "no person has been here"
    widget.session.push(handoff("callback"))
    widget.until(lambda: widget.find(".handoff").text == "", "a call back without a number")


def test_whom_one_talks_to_is_known_after_the_line_was_down(widget: Widget) -> None:
    widget.open().session.push(owner("person", "<b>Ruth</b>"))
    widget.sees(STATUS, "Talking to <b>Ruth</b>")
    first = widget.session
    first.lose(owner("queued"))
    first.close(1001)
    widget.sees(STATUS, "waiting for a person")
    assert not widget.texts(".notice")


def test_the_transcript_can_be_downloaded(widget: Widget, tmp_path: Path) -> None:
    where = {"behavior": "allow", "downloadPath": str(tmp_path)}
    widget.driver.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    widget.open(title="Ask us").type("What are your hours?").sees(".assistant", "Main Street")
    widget.press("[aria-label='Download transcript']")
    file = tmp_path / "conversation.txt"
    widget.until(file.is_file, "the transcript")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("Ask us\n")
    assert re.search(r"\[\d\d:\d\d:\d\d\] You: What are your hours\?\n\[.*\] Assistant: Main", text)


# ---- the line


def test_a_restart_is_survived_by_resuming(widget: Widget) -> None:
    widget.open()
    first = widget.session
    first.close(1001)
    widget.until(lambda: widget.session is not first, "a second connection")
    assert widget.session.of_type("hello")[0]["resume"] == {
        "session": first.session,
        "token": "t",
        "last_seq": first.seq,
    }
    widget.session.notice({"type": "agent", "name": "old", "text": "twice", "seq": 1})
    widget.session.push(reply("Where were we?"))
    widget.sees(".assistant", "Where were we?")
    assert not widget.texts(".person"), "a message seen before is not shown again"


def test_what_was_said_while_the_line_was_down_follows_in_order(widget: Widget) -> None:
    widget.open()
    first = widget.session
    first.lose(reply("One moment."), reply("Here it is."))
    first.close(1001)
    widget.sees(".assistant", "Here it is.")
    shown = widget.texts(".assistant p")
    assert shown == ["Good day. What can I do for you?", "One moment.", "Here it is."]


@pytest.mark.parametrize("taken", [True, False])
def test_what_was_written_is_taken_once_wherever_it_was_lost(widget: Widget, taken: bool) -> None:
    """On its way to the server, or its acknowledgement on the way back."""
    widget.open().type("one")
    widget.sees(".assistant", "one")
    widget.server.takes, widget.server.acknowledges = taken, False
    widget.type("two").received("text", 2)
    widget.server.takes = True
    first = widget.session
    first.close(1001)
    widget.until(lambda: widget.session is not first, "a second connection")
    widget.sees(".assistant", "two").type("three").sees(".assistant", "three")
    assert widget.session.kept.texts == ["one", "two", "three"]
    again = [message["n"] for message in widget.session.of_type("text")]
    assert again == ([3] if taken else [2, 3])


def test_what_the_server_has_is_not_kept(widget: Widget) -> None:
    widget.open().type("one").sees(".assistant", "one")
    kept = "return document.querySelector('hearken-widget').wire.kept.length"
    widget.until(lambda: widget.driver.execute_script(kept) == 0, "acknowledged")


def test_a_conversation_that_goes_on_elsewhere_is_left_there(widget: Widget) -> None:
    widget.open().session.close(4001)
    widget.sees(".problem", "goes on in another window")
    assert len(widget.server.sessions) == 1


def test_what_is_written_while_the_line_is_down_arrives(widget: Widget) -> None:
    widget.server.resumable = False
    widget.open()
    first = widget.session
    first.close(1013, "1")
    widget.sees(STATUS, "Very busy").type("hours?")
    widget.sees(".problem", "started anew").sees(".assistant", "Main Street")
    assert widget.session is not first


def test_a_refusal_is_told_and_not_repeated(widget: Widget) -> None:
    widget.server.refuse_with = (1008, "origin")
    widget.visit(open="true").sees(".problem", "did not allow this connection")
    widget.sees(STATUS, "Not connected")
    assert len(widget.server.sessions) == 1
    widget.server.refuse_with = None
    widget.type("hours?").sees(".assistant", "Main Street")  # writing is asking again


def test_an_ended_conversation_can_be_followed_by_another(widget: Widget) -> None:
    widget.open().press("footer .link").sees(".notice", "has ended")
    assert widget.received("end")
    widget.type("hours?").sees(".assistant", "Main Street")
    assert len(widget.server.sessions) == 2


# ---- voice


def test_the_microphone_arrives_as_16_khz_pcm(widget: Widget) -> None:
    session = widget.open(**{"plain-audio": "true"}).start_voice()
    hello = session.of_type("hello")[0]
    assert (hello["channel"], hello["speak"]) == ("voice", True)
    assert hello["audio"] == {"encoding": "pcm_s16le", "rate": 16000, "channels": 1}
    widget.until(lambda: len(session.audio) >= 75, "a second and a half of sound")
    assert {len(frame) for frame in session.audio} == {640}
    second = session.pcm()[-16000:] / 32768
    spectrum = np.abs(np.fft.rfft(second * np.hanning(len(second))))
    assert np.argmax(spectrum) == pytest.approx(TONE_HZ, rel=0.01)
    assert np.sqrt(np.mean(second**2)) == pytest.approx(TONE_PEAK / np.sqrt(2), rel=0.05)


OFFLINE = """
const [rate, hz, done] = arguments;
(async () => {
  const context = new OfflineAudioContext(1, rate, rate);
  await context.audioWorklet.addModule("/static/pcm16k.js");
  const tone = new OscillatorNode(context, { frequency: hz });
  const worklet = new AudioWorkletNode(context, "pcm16k");
  const frames = [];
  worklet.port.onmessage = ({ data }) => {
    frames.push(...new Int16Array(data.pcm));
    if (frames.length >= 15680) done(frames);
  };
  tone.connect(worklet).connect(context.destination);
  tone.start();
  await context.startRendering();
})();
"""


def misfit(heard: np.ndarray, hz: int) -> float:
    """What is left of the sound when its tone is taken away: clicks, drift, images."""
    tone = np.exp(2j * np.pi * hz * np.arange(len(heard)) / 16000)
    fit = np.real(2 * np.mean(heard * tone.conj()) * tone)
    return float(np.sqrt(np.mean((heard - fit) ** 2)))


def test_resampling_keeps_speech_and_folds_nothing(widget: Widget) -> None:
    widget.visit()
    for rate in (16000, 44100, 48000, 96000):
        for hz in (1000, 5000):
            tone = resampled(widget, rate, hz)
            assert np.sqrt(np.mean(tone**2)) == pytest.approx(np.sqrt(0.5), rel=0.01), (rate, hz)
            assert misfit(tone, hz) < 0.001, (rate, hz)
        if rate > 2 * 9500:  # would come back as 6500 Hz
            assert np.sqrt(np.mean(resampled(widget, rate, 9500) ** 2)) < 0.0005, rate


def resampled(widget: Widget, rate: int, hz: int) -> np.ndarray:
    """0.8 s from the middle of a tone that went through the worklet; whole periods."""
    heard = widget.driver.execute_async_script(OFFLINE, rate, hz)
    return np.array(heard)[1600:14400] / 32768


def test_consent_is_asked_first_and_is_off_until_given(widget: Widget) -> None:
    widget.open(recording="true").press(".microphone")
    assert not widget.find("[name=recording]").is_selected()
    assert not widget.find("[name=emotion]").is_selected()
    assert len(widget.server.sessions) == 1, "nothing starts before the choice"
    widget.press("[name=recording]").press(".consent .primary").sees(".listening", "Microphone on")
    widget.sees(".agreed", "Recording: yes · Tone of voice: no")
    consent = {"type": "consent", "recording": True, "emotion": False}
    assert widget.received("consent") == [consent | {"n": 1}]
    widget.press(".voice .link").press("[name=emotion]").press(".consent .primary")
    assert widget.received("consent", 2)[1] == consent | {"emotion": True, "n": 2}


def test_recording_is_not_asked_about_where_nothing_records(widget: Widget) -> None:
    widget.open().press(".microphone").press("[name=emotion]").press(".consent .primary")
    widget.sees(".agreed", "Tone of voice: yes")
    assert widget.texts(".agreed") == ["Tone of voice: yes"]
    consent = {"type": "consent", "recording": False, "emotion": True, "n": 1}
    assert widget.received("consent") == [consent]


def test_speech_becomes_captions_and_history_stays(widget: Widget) -> None:
    widget.open().type("hours?").sees(".assistant", "Main Street")
    session = widget.start_voice()
    session.push({"type": "partial", "turn": 1, "leg": "customer", "text": "i lost my"})
    widget.sees(".partial", "i lost my")
    assert not widget.root.find_elements(By.CSS_SELECTOR, "[role=log] .partial"), "not read out"
    spoken = {"type": "transcript", "turn": 1, "leg": "customer", "start": 0.5, "end": 2.0}
    session.push(spoken | {"text": "I lost my card", "confidence": 0.9})
    session.push(spoken | {"text": "something murmured", "confidence": 0.3})
    widget.sees(".customer", "I lost my card").sees(".customer .note", "may not have heard")
    assert not widget.find(".partial").is_displayed()
    widget.sees(".assistant", "Main Street")
    widget.type("typed in voice")
    assert widget.received("text")[0]["text"] == "typed in voice"


def test_a_spoken_reply_heard_to_its_end_is_reported_in_full(widget: Widget) -> None:
    session = widget.open().start_voice()
    session.speak(turn=4, seconds=0.4)
    assert widget.received("played") == [{"type": "played", "turn": 4, "ms": 400}]


def test_hush_stops_a_spoken_reply_and_tells_how_much_was_heard(widget: Widget) -> None:
    session = widget.open().start_voice()
    session.speak(turn=5, seconds=30)
    widget.type("stop")  # by the time this has come round, some of the reply has been played
    widget.sees(".assistant", "stop")
    session.push({"type": "hush", "turn": 5})
    (played,) = widget.received("played")
    assert played["turn"] == 5
    assert 0 < played["ms"] < 29_000


def test_a_spoken_goodbye_is_heard_out(widget: Widget) -> None:
    session = widget.open().start_voice()
    session.speak(turn=7, seconds=0.5)
    session.close(1000)
    widget.sees(".notice", "has ended")
    playing = "return document.querySelector('hearken-widget').speaker.turns.length"
    assert widget.driver.execute_script(playing) == 1
    widget.until(lambda: widget.driver.execute_script(playing) == 0)


def test_what_only_developers_can_mend_is_not_shown_to_customers(widget: Widget) -> None:
    widget.open().session.push(
        {"type": "error", "code": "missed", "message": "Turn 3 could not be understood: late."},
        {"type": "error", "code": "clipping", "message": "Your microphone is too loud."},
    )
    widget.sees(".problem", "too loud")
    assert len(widget.texts(".problem")) == 1


def test_muted_replies_are_reported_as_not_heard(widget: Widget) -> None:
    session = widget.open().start_voice()
    widget.press("[aria-label='Spoken replies']")
    session.speak(turn=6, seconds=0.2)
    assert widget.received("played")[0] == {"type": "played", "turn": 6, "ms": 0}


def test_closing_the_panel_lets_go_of_the_microphone(widget: Widget) -> None:
    widget.open().start_voice()
    pressed = widget.find(".microphone")
    assert pressed.get_attribute("aria-pressed") == "true"
    widget.press("[aria-label=Close]")
    assert pressed.get_attribute("aria-pressed") == "false"
    widget.session.push({"type": "agent", "name": "Ruth", "text": "Hello?"})
    widget.sees(".badge", "1")


def test_a_slow_line_drops_sound_and_says_so(widget: Widget) -> None:
    widget.open().start_voice()
    widget.driver.execute_script(
        "Object.defineProperty(WebSocket.prototype, 'bufferedAmount', { get: () => 70000 })"
    )
    widget.sees(".problem", "Your connection is slow")


DENY = """
const [name] = arguments;
navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
"""
NO_DEVICES = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })"


@pytest.mark.parametrize(
    ("script", "name", "sentence"),
    [
        (DENY, "NotAllowedError", "microphone is blocked"),
        (DENY, "NotFoundError", "No microphone was found"),
        (NO_DEVICES, "", "only on secure (https) pages"),
    ],
)
def test_without_a_microphone_there_is_a_sentence_and_chat(
    widget: Widget, script: str, name: str, sentence: str
) -> None:
    widget.open().driver.execute_script(script, name)
    widget.press(".microphone").press(".consent .primary").sees(".problem", sentence)
    assert widget.find(".microphone").get_attribute("aria-pressed") == "false"
    widget.type("hours?").sees(".assistant", "Main Street")
    assert len(widget.server.sessions) == 1


# ---- for everyone


def press_key(widget: Widget, *keys: str) -> None:
    webdriver.ActionChains(widget.driver).send_keys(*keys).perform()


def test_everything_can_be_reached_by_keyboard(widget: Widget) -> None:
    widget.visit()
    press_key(widget, Keys.TAB, Keys.TAB)  # past the page's own link
    assert widget.focused() == "launcher"
    outline = "return getComputedStyle(arguments[0].activeElement).outlineWidth"
    assert widget.driver.execute_script(outline, widget.root) == "3px"
    press_key(widget, Keys.ENTER)
    widget.sees(".assistant", "What can I do for you?")
    press_key(widget, "hours", Keys.ENTER)
    widget.sees(".suggestions button", "And on Saturday?")
    press_key(widget, Keys.TAB)
    assert "microphone" in widget.focused()
    press_key(widget, Keys.ENTER)
    assert widget.find(".consent").is_displayed()
    press_key(widget, Keys.ESCAPE)
    assert not widget.find(".consent").is_displayed()
    assert "microphone" in widget.focused()
    press_key(widget, Keys.TAB, Keys.TAB)
    assert widget.focused() == "person-button"
    press_key(widget, Keys.ESCAPE)
    assert not widget.find(".panel").is_displayed()
    assert widget.focused() == "launcher"


@pytest.mark.usefixtures("phone")
def test_on_a_phone_the_panel_fits_and_keeps_the_focus(widget: Widget) -> None:
    widget.open().type("hours " + "verylongword" * 20).sees(".assistant", "Main Street")
    widget.start_voice()
    widget.session.push(handoff("queued", position=2, wait_s=30), understood(-1, 1))
    widget.sees(".handoff", "less than a minute")
    wide = "return [document.documentElement.scrollWidth, arguments[0].scrollWidth]"
    assert widget.driver.execute_script(wide, widget.find(".scroller")) == [360, 360]
    rect = widget.find(".panel").rect
    assert (rect["x"], rect["width"], rect["height"]) == (0, 360, 640)
    assert widget.find(".panel").get_attribute("aria-modal") == "true"
    widget.driver.execute_script("arguments[0].focus()", widget.find("footer .link"))
    press_key(widget, Keys.TAB)
    assert (
        widget.driver.execute_script("return arguments[0].activeElement.title", widget.root)
        == "Spoken replies"
    )


def test_motion_stops_for_those_who_ask(widget: Widget) -> None:
    feature = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    widget.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})
    widget.open()
    assert widget.find(".panel").value_of_css_property("animation-name") == "none"
    widget.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def luminance(colour: str) -> float:
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(first: str, second: str) -> float:
    """WCAG 2.2, definition of contrast ratio."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def palettes() -> list[dict[str, str]]:
    style = (WEB / "style.js").read_text(encoding="utf-8")
    light, dark = style.split("@media (prefers-contrast")[0].split("@media (prefers-color-scheme")
    pattern = r"--([a-z-]+): (?:var\([^,]+, )?(#[0-9a-f]{6})"
    return [dict(re.findall(pattern, part)) for part in (light, dark)]


READ = [
    ("text", "surface"),
    ("text", "theirs"),
    ("quiet", "surface"),
    ("quiet", "raised"),
    ("on-accent", "accent"),
    ("accent", "surface"),
    ("accent", "raised"),
    ("person-text", "person"),
    ("problem-text", "problem"),
    ("problem-text", "surface"),
    ("live", "raised"),
    ("surface", "live"),
]


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_both_palettes_have_enough_contrast(palette: dict[str, str]) -> None:
    for text, ground in READ:
        assert contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
    for mark in ("edge", "focus"):
        assert contrast(palette[mark], palette["surface"]) >= 3, mark
