"""What do the engine and the models, which may live in another process, say to each other?

Plain values, pickled as they are. The engine keeps the audio of every turn until it is answered,
so a turn can be told again from its start to models that have lost it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from agent.core.events import Understand
from audio.types import Samples, Transcript
from dialogs.values import Understanding

StreamKey = tuple[str, int]  # session, stream


# -- from the engine ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """The next audio of a turn that is still going on; it completes a hop."""

    key: StreamKey
    start: int  # position at which the turn began
    feel: bool  # may emotion be inferred here
    samples: Samples
    first: bool  # the turn's audio from its start; whatever was known of it is replaced
    alone: bool = False  # it failed in company: keep it apart


@dataclass(frozen=True, slots=True)
class Question:
    """An `Understand` with what the models must know besides: whose, when, on which day, and the
    end of the turn's audio."""

    id: int
    session: str
    ask: Understand
    today: date
    at: float
    sound: Sound | None = None
    alone: bool = False  # it failed in company: answer it by itself

    @property
    def key(self) -> StreamKey | None:
        return None if self.ask.stream is None else (self.session, self.ask.stream)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Nobody wants to know what was said on this stream, or what this question's answer is."""

    key: StreamKey | None
    question: int | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """The session is over: its customer's voice is forgotten."""

    session: str


@dataclass(frozen=True, slots=True)
class Known:
    """What `Answered.caller` told before, for models that have lost it."""

    session: str
    caller: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """How dear is it to hear people talk like this? Answered with `Costs`."""

    samples: Samples


ToModels = Sound | Question | Forgotten | Gone | Known | Measure


# -- from the models ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Costs:
    """What hearing costs here, measured: CPU seconds for each second of a stream's audio."""

    encoding: float  # in company, as when it matters
    answering: float  # the end of a turn, spread over a turn of usual length


@dataclass(frozen=True, slots=True)
class Ready:
    """Loaded and warm. `names`: role -> which model answers for it."""

    names: Mapping[str, str]
    hop: int  # samples after which there is something to encode
    ahead: int  # samples beyond a hop that its last frame sees


@dataclass(frozen=True, slots=True)
class Unable:
    """The models could not be loaded; why, in words for whoever chose them."""

    why: str
    failure: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of a turn so far."""

    key: StreamKey
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a turn meant; `transcript` is None for a typed one."""

    understanding: Understanding
    transcript: Transcript | None


@dataclass(frozen=True, slots=True)
class Answered:
    """`caller` is how the customer of this session usually sounds, when that was learnt."""

    question: int
    answer: Answer
    caller: bytes | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A model raised over these streams and questions: tell them again, or give them up."""

    keys: tuple[StreamKey, ...]
    questions: tuple[int, ...]
    failure: str  # the error's kind and place; its text may hold a customer's words


@dataclass(frozen=True, slots=True)
class Load:
    """How the models keep up, told when it changes and about once a second."""

    late_s: float  # behind the deadline of what was just done; 0 when in time
    busy: float  # share of the time at work
    partials: bool  # whether words so far are told at present
    cues: bool  # whether feelings are worked out at present


FromModels = Ready | Unable | Costs | Heard | Answered | Lost | Load
