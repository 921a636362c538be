"""Settings of the server, from a TOML file and the environment.

The defaults run on a laptop. `hearken.toml` in the working directory (or the file given with
--config) overrides them, and HEARKEN_* variables, meant for secrets, override the file. An unknown
key is an error that names the nearest known one. Settings are passed as arguments, never read from
a global (tests/agent/test_config.py).
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from agent.core.session import SessionRules
from audio.text_endpointing import TurnEndings
from audio.turns import SILENCE_S, TurnRules
from audio.types import AnswerKind, Precision

PACKAGE_DIR = Path(__file__).parent
ENV_PREFIX = "HEARKEN_"


class SettingsError(ValueError):
    """Settings that cannot be used; the text names the key and what to write instead."""


_DEFAULT_TURN_RULES = TurnRules()
SilenceSeconds = Annotated[float, Field(ge=0.1, le=10)]


class TurnSettings(BaseModel):
    """When a customer's turn is over; `hearken tune turns` measures and writes these."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    silence: dict[AnswerKind, SilenceSeconds] = {}  # seconds that end a turn, by kind of question
    answered: SilenceSeconds = (
        _DEFAULT_TURN_RULES.answered
    )  # seconds, once a closed question is answered
    complete: float = Field(
        default=_DEFAULT_TURN_RULES.complete, ge=0.1, le=5
    )  # factor on the silence after complete or incomplete words
    incomplete: float = Field(default=_DEFAULT_TURN_RULES.incomplete, ge=0.1, le=5)

    def turn_rules(self, endings: TurnEndings) -> TurnRules:
        """The rules of the turn detector; kinds of question without a setting keep the default."""
        return TurnRules(
            silence={**SILENCE_S, **self.silence},
            answered=self.answered,
            complete=self.complete,
            incomplete=self.incomplete,
            endings=endings,
        )


class Settings(BaseSettings):
    """Every setting of the server. Names in `_s` are seconds; sizes are bytes."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(8765, ge=0, le=65535)
    token: SecretStr = SecretStr("")  # when set, hello must carry it
    origins: tuple[str, ...] = ()  # allowed Origin values of browsers; empty: any

    pack: Path = PACKAGE_DIR.parent / "dialogs" / "bank"
    weights: Path = PACKAGE_DIR / "weights"
    speech_checkpoint: str = ""  # a CTC checkpoint's folder or hub name instead of the embedded one
    emotion_checkpoint: str = ""  # likewise for a sequence-classification emotion head
    # A Whisper or Moonshine checkpoint that transcribes whole turns, in addition to the streaming
    # one. It shares the models' process, so that every caller waits for each of its turns: choose
    # one that needs well under a second a turn on this machine. Stopped after half of `answer_s`.
    writer_checkpoint: str = ""
    # A BERT-family sentence encoder that intents were trained with (`hearken train understanding
    # --sentence-checkpoint`). auto: the one they were trained with, if present; empty: none.
    sentence_checkpoint: str = "auto"
    # Number format of the encoder; auto: bfloat16 where the processor has it, else float32.
    precision: Precision = "auto"
    state: Path = Path(".hearken")  # folder of the databases
    database: str = ""  # an SQLAlchemy URL, such as postgresql+psycopg://...; empty: in `state`
    resume_s: float = Field(120.0, ge=0)  # to reconnect after a lost connection
    agent_token: SecretStr = SecretStr("")  # for people at /console; empty: closed
    supervisor_token: SecretStr = SecretStr("")  # for supervisors at /console; empty: none
    nobody_s: float = Field(60.0, ge=0)  # to wait for a login there, before a call-back
    console_s: float = Field(20.0, ge=0)  # to wait for a person whose console is lost
    webhook_url: str = ""  # of a helpdesk that gets handoffs (CloudEvents); empty: none
    webhook_secret: SecretStr = SecretStr("")  # signs the messages to it: whsec_...
    actions_url: str = ""  # an HTTP endpoint for the pack's actions; empty: the built-in bank
    actions_token: SecretStr = SecretStr("")  # sent to it as a bearer token

    max_sessions: int = Field(500, ge=1)  # conversations at a time, voice or chat
    # Reserve a core for the models where there are two or more; false where other busy programs
    # share the machine.
    own_core: bool = True
    capacity: int = Field(0, ge=0)  # legs of live audio at a time; 0: measured at the start
    max_message: int = Field(1 << 20, ge=1024)
    max_outbox: int = Field(1024, ge=16)  # messages queued for a slow reader
    hello_s: float = Field(10.0, gt=0)
    write_s: float = Field(10.0, gt=0)  # to send one message; a slower client is disconnected
    wait_s: int = Field(120, ge=0)  # expected wait for each customer ahead in the queue
    answer_s: float = Field(5.0, gt=0)  # an answer of the models later than this is given up
    asks_waiting: int = Field(1024, ge=1)  # open requests to the models, of all callers
    voice: str = "en-us"
    turns: TurnSettings = TurnSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment overrides what `load_settings` read from file and command line."""
        return env_settings, init_settings

    def masked_values(self) -> dict[str, str]:
        """All settings as text, secrets masked."""
        return {name: str(value) for name, value in self}


def load_settings(file: Path | None = None, **overrides: Any) -> Settings:
    """Settings from a TOML file, the environment and `overrides` of the command line (None: not
    given).

    Raises SettingsError for a missing file, broken TOML, an unknown key or a bad value.
    """
    values = _read_toml(file) | {
        key: value for key, value in overrides.items() if value is not None
    }
    environment_names = {name for name in os.environ if name.startswith(ENV_PREFIX)}
    for key in [*values, *(name.removeprefix(ENV_PREFIX).lower() for name in environment_names)]:
        _require_known(key)
    try:
        return Settings(**values)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"] if part != "[key]")
        if first["type"] in ("extra_forbidden", "literal_error") and first["loc"][0] == "turns":
            raise _unknown_setting_error(where, _TURN_KEYS) from None
        raise SettingsError(f"setting {where!r}: {first['msg']}") from None


def session_rules(settings: Settings) -> SessionRules:
    """The session rules that follow from these settings."""
    return SessionRules(turn_rules=settings.turns.turn_rules(TurnEndings.load()))


def _read_toml(file: Path | None) -> dict[str, Any]:
    path = file or Path("hearken.toml")
    if not path.exists():
        if file is None:
            return {}
        raise SettingsError(f"there is no settings file {file}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as broken:
        raise SettingsError(f"{path}: {broken}") from None


def _require_known(key: str) -> None:
    if key in Settings.model_fields:
        return
    raise _unknown_setting_error(key, Settings.model_fields)


_TURN_KEYS = [f"turns.{name}" for name in TurnSettings.model_fields] + [
    f"turns.silence.{kind}" for kind in get_args(AnswerKind)
]


def _unknown_setting_error(key: str, known: Iterable[str]) -> SettingsError:
    near = difflib.get_close_matches(key, list(known), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return SettingsError(f"unknown setting {key!r}{hint}")
