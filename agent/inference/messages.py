"""Messages between the server process and the models process.

Plain values, pickled as they are. The engine keeps the audio of every turn until it is answered, so
that a turn can be re-sent from its start to models that have lost it.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from agent.core.effects import UnderstandTurn
from audio.types import Samples, Transcript
from dialogs.values import Understanding

StreamKey = tuple[str, int]  # session, stream
FRAME_HEADER = struct.Struct("!I")  # bytes of the pickle that follows


# -- to the models -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """The next audio of a turn that is still going on; it completes a hop."""

    key: StreamKey
    start: int  # position at which the turn began
    infer_emotion: bool  # whether emotion may be inferred from it
    samples: Samples
    first: bool  # the turn's audio from its start; what the models had of the turn is replaced
    isolated: bool = False  # a batch with it failed: encode it in a batch of its own


@dataclass(frozen=True, slots=True)
class UnderstandRequest:
    """An `UnderstandTurn` with its session, the day, the time in session seconds, and the turn's
    last audio."""

    id: int
    session: str
    effect: UnderstandTurn
    today: date
    at: float
    last_audio: AudioChunk | None = None
    isolated: bool = False  # a batch with it failed: answer it in a batch of its own

    @property
    def key(self) -> StreamKey | None:
        """The stream of a spoken turn; None when it was typed."""
        return None if self.effect.stream is None else (self.session, self.effect.stream)


@dataclass(frozen=True, slots=True)
class CancelStream:
    """Discard this stream, and do not answer this request; either may be None."""

    key: StreamKey | None
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class EndSession:
    """The session is over: forget its customer's voice."""

    session: str


@dataclass(frozen=True, slots=True)
class RestoreCaller:
    """Restore what `RequestAnswered.caller` held before, in models that have lost it."""

    session: str
    caller: bytes


@dataclass(frozen=True, slots=True, eq=False)
class MeasureCosts:
    """Measure what speech like this costs on this machine. Answered with `ModelCosts`."""

    samples: Samples


MessageToWorker = (
    AudioChunk | UnderstandRequest | CancelStream | EndSession | RestoreCaller | MeasureCosts
)


@dataclass(frozen=True, slots=True)
class TurnWritten:
    """A whole turn was transcribed, within the models' process; NO_TRANSCRIPT when it could not
    be."""

    request_id: int
    transcript: Transcript


# -- from the models ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelCosts:
    """Measured costs of the models: CPU seconds for each second of a stream's audio."""

    encoding: float  # in a full batch, as under load
    answering: float  # of the end of a turn, spread over a turn of usual length


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """The models are loaded and warm. `model_names`: role -> name of the model that fills it."""

    model_names: Mapping[str, str]
    hop: int  # samples after which there is something to encode
    look_ahead: int  # samples beyond a hop that its last frame sees


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The models could not be loaded. `reason` is in words for the operator."""

    reason: str
    failure: str


@dataclass(frozen=True, slots=True)
class PartialText:
    """The words of a turn so far."""

    key: StreamKey
    text: str


@dataclass(frozen=True, slots=True)
class UnderstandResult:
    """The models' answer for a turn; `transcript` is None for a typed one."""

    understanding: Understanding
    transcript: Transcript | None


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """The answer to a request. `caller` is the customer's pickled `SpeakerProfile`
    (audio/speaker_normalisation.py), when one was learnt."""

    request_id: int
    result: UnderstandResult
    caller: bytes | None = None


@dataclass(frozen=True, slots=True)
class StreamsFailed:
    """A model raised on these streams and requests; they have to be re-sent or given up."""

    keys: tuple[StreamKey, ...]
    request_ids: tuple[int, ...]
    failure: str  # the error's kind and place; its text may hold a customer's words


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """How the models keep up, sent when load shedding changes and about once a second."""

    late_s: float  # behind the deadline of what was just done; 0 when in time
    busy_share: float  # share of the time at work
    sends_partials: bool  # whether partial text is sent at present
    computes_cues: bool  # whether acoustic cues are computed at present
    unwritten_turns: int = 0  # left to the encoder because the writer had no time, since the start


MessageFromWorker = (
    WorkerReady
    | LoadFailed
    | ModelCosts
    | PartialText
    | RequestAnswered
    | StreamsFailed
    | WorkerLoad
)

# -- on the socket -----------------------------------------------------------------------------


def message_frame(message: MessageToWorker | MessageFromWorker) -> bytes:
    """A message as bytes for the socket, in either direction: its length, then its pickle."""
    pickled = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return FRAME_HEADER.pack(len(pickled)) + pickled
