"""What do the engine and the models, which may live in another process, say to each other?

Plain values, pickled as they are. The engine keeps the audio of every turn until it is answered,
so a turn can be told again from its start to models that have lost it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from agent.core.events import UnderstandTurn
from audio.types import Samples, Transcript
from dialogs.values import Understanding

StreamKey = tuple[str, int]  # session, stream


# -- from the engine ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """The next audio of a turn that is still going on; it completes a hop."""

    key: StreamKey
    start: int  # position at which the turn began
    infer_emotion: bool  # may emotion be inferred here
    samples: Samples
    first: bool  # the turn's audio from its start; whatever was known of it is replaced
    isolated: bool = False  # it failed in company: keep it apart


@dataclass(frozen=True, slots=True)
class UnderstandRequest:
    """An `Understand` with what the models must know besides: whose, when, on which day, and the
    end of the turn's audio."""

    id: int
    session: str
    effect: UnderstandTurn
    today: date
    at: float
    last_audio: AudioChunk | None = None
    isolated: bool = False  # it failed in company: answer it by itself

    @property
    def key(self) -> StreamKey | None:
        return None if self.effect.stream is None else (self.session, self.effect.stream)


@dataclass(frozen=True, slots=True)
class CancelStream:
    """Nobody wants to know what was said on this stream, or what this question's answer is."""

    key: StreamKey | None
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class EndSession:
    """The session is over: its customer's voice is forgotten."""

    session: str


@dataclass(frozen=True, slots=True)
class RestoreCaller:
    """What `Answered.caller` told before, for models that have lost it."""

    session: str
    caller: bytes


@dataclass(frozen=True, slots=True, eq=False)
class MeasureCosts:
    """How dear is it to hear people talk like this? Answered with `Costs`."""

    samples: Samples


MessageToWorker = (
    AudioChunk | UnderstandRequest | CancelStream | EndSession | RestoreCaller | MeasureCosts
)


# -- from the models ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelCosts:
    """What hearing costs here, measured: CPU seconds for each second of a stream's audio."""

    encoding: float  # in company, as when it matters
    answering: float  # the end of a turn, spread over a turn of usual length


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """Loaded and warm. `names`: role -> which model answers for it."""

    model_names: Mapping[str, str]
    hop: int  # samples after which there is something to encode
    look_ahead: int  # samples beyond a hop that its last frame sees


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The models could not be loaded; why, in words for whoever chose them."""

    reason: str
    failure: str


@dataclass(frozen=True, slots=True)
class PartialText:
    """The words of a turn so far."""

    key: StreamKey
    text: str


@dataclass(frozen=True, slots=True)
class UnderstandResult:
    """What a turn meant; `transcript` is None for a typed one."""

    understanding: Understanding
    transcript: Transcript | None


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """`caller` is how the customer of this session usually sounds, when that was learnt."""

    request_id: int
    result: UnderstandResult
    caller: bytes | None = None


@dataclass(frozen=True, slots=True)
class StreamsFailed:
    """A model raised over these streams and questions: tell them again, or give them up."""

    keys: tuple[StreamKey, ...]
    request_ids: tuple[int, ...]
    failure: str  # the error's kind and place; its text may hold a customer's words


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """How the models keep up, told when it changes and about once a second."""

    late_s: float  # behind the deadline of what was just done; 0 when in time
    busy_share: float  # share of the time at work
    sends_partials: bool  # whether words so far are told at present
    computes_cues: bool  # whether feelings are worked out at present


MessageFromWorker = (
    WorkerReady
    | LoadFailed
    | ModelCosts
    | PartialText
    | RequestAnswered
    | StreamsFailed
    | WorkerLoad
)
