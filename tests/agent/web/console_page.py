"""The console's page as the person in front of it meets it: what they see, press and type."""

from __future__ import annotations

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

WAIT_S = 10
OPENS_AT = "owner-heading"  # says whom one is talking to


def browser_with_tone(folder: Path) -> Iterator[webdriver.Chrome]:
    """For a fixture: a browser whose microphone is a tone."""
    time = np.arange(48000) / 48000
    tone = (16000 * np.sin(2 * np.pi * 1000 * time)).astype("<i2")
    with wave.open(str(folder / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(tone.tobytes())
    yield from chromium(folder / "profile", folder / "tone.wav")


class Page:
    """One console in a browser's window."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    # -- looking

    def until(self, condition: Callable[[], Any], hint: str = "") -> Any:
        changing = (StaleElementReferenceException, NoSuchElementException)
        wait = WebDriverWait(self.driver, WAIT_S, poll_frequency=0.05, ignored_exceptions=changing)
        return wait.until(lambda _: condition(), hint)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        return [element.text for element in self.all(selector)]

    def sees(self, selector: str, text: str) -> Page:
        self.until(
            lambda: any(text in shown for shown in self.texts(selector)), f"{text!r} in {selector}"
        )
        return self

    def sees_not(self, selector: str) -> Page:
        """Nothing of it is shown."""
        self.until(lambda: not any(one.is_displayed() for one in self.all(selector)), selector)
        return self

    def talks(self, heading: str) -> Page:
        """What is said of whom one is talking to."""
        return self.sees(f"#{OPENS_AT}", heading)

    def focused(self) -> str:
        """The id of what has the focus, or its text."""
        script = "const e = document.activeElement; return e.id || e.textContent"
        return str(self.driver.execute_script(script))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    # -- doing

    def visit(self) -> Page:
        self.driver.get(self.url)
        self.until(lambda: self.focused() in ("login-name", "login-token"), "ready to log in")
        return self

    def log_in(self, name: str = "Ada", token: str = "agent") -> Page:
        self.visit()
        self.find("#login-name").send_keys(name)
        self.find("#login-token").send_keys(token, Keys.ENTER)
        return self

    def enter(self, name: str = "Ada", token: str = "agent") -> Page:
        return self.log_in(name, token).sees("#line", "Connected")

    def press(self, selector: str) -> Page:
        self.until(lambda: self.find(selector).is_displayed(), f"{selector} is shown")
        self.find(selector).click()
        return self

    def keys(self, *keys: str) -> Page:
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()
        return self

    def say(self, text: str) -> Page:
        self.until(lambda: self.find("#say-text").is_displayed(), "may write")
        self.find("#say-text").send_keys(text, Keys.ENTER)
        return self

    def leave(self) -> None:
        """Forget who was here, for the next test."""
        self.run("sessionStorage.clear(); localStorage.clear()")
        self.driver.get("about:blank")
