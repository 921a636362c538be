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

    silence: dict[AnswerKind, SilenceSeconds] = Field(
        default={},
        description="Seconds of silence that end a turn, by the kind of answer asked for.",
    )
    answered: SilenceSeconds = Field(
        default=_DEFAULT_TURN_RULES.answered,
        description="Seconds of silence that end a turn once a closed question is answered.",
    )
    complete: float = Field(
        default=_DEFAULT_TURN_RULES.complete,
        ge=0.1,
        le=5,
        description="Factor on the silence when the words so far are complete.",
    )
    incomplete: float = Field(
        default=_DEFAULT_TURN_RULES.incomplete,
        ge=0.1,
        le=5,
        description="Factor on the silence when the words so far are incomplete.",
    )

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

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8765, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    token: SecretStr = Field(SecretStr(""), description="When set, a client's hello must carry it.")
    origins: tuple[str, ...] = Field(
        (), description="Sites that may connect (Origin values of browsers); empty: any."
    )

    pack: Path = Field(
        PACKAGE_DIR.parent / "dialogs" / "bank", description="Folder of the pack to serve."
    )
    weights: Path = Field(PACKAGE_DIR / "weights", description="Folder of the embedded models.")
    speech_checkpoint: str = Field(
        "", description="CTC checkpoint, folder or hub name, instead of the embedded encoder."
    )
    emotion_checkpoint: str = Field(
        "", description="Classification checkpoint instead of the embedded emotion head."
    )
    writer_checkpoint: str = Field(
        "auto",
        description="Model that transcribes whole turns: a folder or hub name of Whisper as "
        "faster-whisper has it, or of Whisper or Moonshine as transformers has them. auto: the "
        "packaged Whisper base, where installed; empty: none. A turn that takes longer than half "
        "of `answer_s` keeps the encoder's transcript.",
    )
    sentence_checkpoint: str = Field(
        "auto",
        description="BERT-family sentence encoder that intents were trained with. auto: the one "
        "they were trained with, if present; empty: none.",
    )
    precision: Precision = Field(
        "auto",
        description="Number format of the encoder. auto: bfloat16 where the processor has it, "
        "else float32.",
    )
    state: Path = Field(Path(".hearken"), description="Folder of the databases.")
    database: str = Field(
        "",
        description="SQLAlchemy URL such as postgresql+psycopg://...; empty: SQLite in `state`.",
    )
    resume_s: float = Field(
        120.0, ge=0, description="Time for a client to reconnect after a lost connection."
    )
    agent_token: SecretStr = Field(
        SecretStr(""),
        description="Token of agents at /console. Empty: on a loopback address without a "
        "supervisor_token, `hearken serve` makes one for the run and prints a link with it; "
        "elsewhere agents cannot log in.",
    )
    supervisor_token: SecretStr = Field(
        SecretStr(""), description="Token of supervisors at /console; empty: none can log in."
    )
    no_agent_s: float = Field(
        60.0, ge=0, description="Time to wait for an agent to log in before a call-back is offered."
    )
    console_resume_s: float = Field(
        20.0, ge=0, description="Time for an agent whose console lost its connection to return."
    )
    webhook_url: str = Field(
        "", description="Helpdesk address that handoffs are posted to (CloudEvents); empty: none."
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="Secret that signs those posts (whsec_...)."
    )
    actions_url: str = Field(
        "", description="HTTP endpoint for the pack's actions; empty: the built-in bank."
    )
    actions_token: SecretStr = Field(
        SecretStr(""), description="Sent to that endpoint as a bearer token."
    )

    max_sessions: int = Field(500, ge=1, description="Conversations at a time, voice or chat.")
    own_core: bool = Field(
        True,
        description="Reserve a core for the models where there are two or more. Set false where "
        "other busy programs share the machine.",
    )
    capacity: int = Field(0, ge=0, description="Audio legs at a time; 0: measured at the start.")
    max_message: int = Field(
        1 << 20, ge=1024, description="Largest websocket message accepted, in bytes."
    )
    max_outbox: int = Field(1024, ge=16, description="Messages queued for a slow reader.")
    hello_s: float = Field(10.0, gt=0, description="Time for a client to send its hello.")
    write_s: float = Field(
        10.0, gt=0, description="Time to send one message; a slower client is disconnected."
    )
    wait_s: int = Field(
        120, ge=0, description="Expected wait for each customer ahead in the queue."
    )
    answer_s: float = Field(
        5.0, gt=0, description="An answer of the models later than this is given up."
    )
    requests_waiting: int = Field(
        1024, ge=1, description="Open requests to the models, of all callers together."
    )
    voice: str = Field("en-us", description="espeak-ng voice of spoken replies.")
    turns: TurnSettings = Field(
        TurnSettings(), description="When a customer's turn is over; see the table of `turns`."
    )

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

    @property
    def has_console(self) -> bool:
        """Whether a token is set with which somebody may log in at the console."""
        tokens = (self.agent_token, self.supervisor_token)
        return any(token.get_secret_value() for token in tokens)

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


# Settings of earlier versions, by their names of today.
_RENAMED = {
    "asks_waiting": "requests_waiting",
    "console_s": "console_resume_s",
    "nobody_s": "no_agent_s",
}


def _unknown_setting_error(key: str, known: Iterable[str]) -> SettingsError:
    if key in _RENAMED:
        return SettingsError(f"the setting {key!r} is called {_RENAMED[key]!r} now")
    near = difflib.get_close_matches(key, list(known), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return SettingsError(f"unknown setting {key!r}{hint}")
