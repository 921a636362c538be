"""The demo page in a real browser against the real server: typed, and spoken from a recording.

The microphone is a telephone recording of a caller who says "operator" (tests/recordings).
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("selenium", reason="selenium is not installed (pip install -e .[dev])")
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from audio import files
from audio.resample import resample
from tests.agent.web.chromium import chromium
from tests.agent.web.test_widget import Widget
from tests.support.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.socket]

OPERATOR = "tests/recordings/operator-operator.wav"
RATE = 48000


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    samples, rate = files.read(OPERATOR)
    said = resample(np.ascontiguousarray(samples[:, 0]), rate, RATE)
    silence = np.zeros(4 * RATE, np.float32)  # the file is played in a loop
    files.write(folder / "operator.wav", np.concatenate([silence, said, silence]), RATE)
    yield from chromium(folder / "profile", folder / "operator.wav")


@pytest.fixture
def page(browser, house):
    browser.get(house.page)
    widget = Widget(browser, None)
    WebDriverWait(browser, 10).until(
        lambda _: browser.find_elements(By.CSS_SELECTOR, "hearken-widget")
    )
    widget.root = browser.find_element(By.CSS_SELECTOR, "hearken-widget").shadow_root
    browser.execute_script("document.querySelector('hearken-widget').open()")
    yield widget
    browser.get("about:blank")


def test_a_typed_conversation_reaches_the_bank(page):
    page.sees(".assistant", "How can I help you?")
    page.type("what is my balance").sees(".assistant", "six-digit customer number")
    page.type("100421").sees(".assistant", "passcode")
    page.type("4471").sees(".assistant", "checking")


def test_a_spoken_request_for_a_person_is_handed_over(page):
    page.press(".microphone").press(".consent .primary")
    page.sees(".listening", "Microphone on")
    page.sees(".customer", "operator")
    page.until(lambda: page.find("[role=status]").is_displayed(), "the hand-over is told")
