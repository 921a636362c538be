"""Is a turn the same whether it was heard while it was spoken, or whole afterwards?

The embedded encoder promises so. Here the promise is tried on the user's own recordings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from agent.evaluation.manifest import plain
from agent.evaluation.measure import Contender, Turn, Watch, again, hear, single_thread
from agent.evaluation.scores import emotions
from agent.evaluation.sounds import Sounds
from agent.training.ears.hearing import Ear, Room
from audio.contours import Caller
from audio.ears import Ears
from audio.emotion import EmotionHead, cues, load_head
from audio.prosody import tones
from audio.search import Scores
from audio.types import RATE, Emotion, Expectation, Samples


@dataclass(frozen=True, slots=True)
class Streamed:
    """Streamed against whole. UA is None where no emotion is known."""

    recordings: int
    same_open: float  # share of recordings whose text is the same to the letter
    same_asked: float | None
    largest: float  # difference of any log probability of a letter or phone in any frame
    ua_streamed: float | None
    ua_whole: float | None


@dataclass(frozen=True, slots=True)
class _Heard:
    """One recording heard in one way."""

    outputs: Scores  # log probabilities: letters, then phones (frames, ..)
    open: str
    asked: str | None
    emotion: Mapping[Emotion, float]


def compared(
    one: Contender,
    turns: Sequence[Turn],
    sounds: Sounds,
    room: Room,
    watch: Watch,
) -> Streamed | None:
    """None: these ears do not stream exactly, they hear every turn once more when it has ended."""
    feel = any(turn.emotion is not None for turn in turns) and one.feelings is None
    streamed, whole = list[_Heard](), list[_Heard]()
    with single_thread():
        ears = one.load(feel)
        if ears.models["words"].streaming != "exact":
            return None
        ear = Ear(Path(ears.models["words"].where))
        head = load_head(one.weights / "emotion") if "emotion" in ears.models else None
        recordings = [turn.recording for turn in turns]
        watched = watch(recordings, "streamed and whole", len(recordings))
        for turn, recording in zip(turns, watched, strict=True):
            samples, asked = room(*sounds.read(recording.path)), turn.question
            streamed.append(_streamed(ears, samples, asked, head is not None))
            whole.append(_whole(ear, head, samples, asked))
    pairs = list(zip(streamed, whole, strict=True))
    answers = [a.asked == b.asked for a, b in pairs if a.asked is not None]
    return Streamed(
        recordings=len(pairs),
        same_open=float(np.mean([a.open == b.open for a, b in pairs])),
        same_asked=float(np.mean(answers)) if answers else None,
        largest=max(float(np.abs(a.outputs - b.outputs).max(initial=0)) for a, b in pairs),
        ua_streamed=_ua(turns, streamed) if head else None,
        ua_whole=_ua(turns, whole) if head else None,
    )


def _streamed(ears: Ears, samples: Samples, asked: Expectation | None, feel: bool) -> _Heard:
    stream = hear(ears, samples, Caller() if feel else None)
    other = again(stream) if asked else None
    spoken = ears.finish(stream, Expectation())
    parts = [np.concatenate(x) for x in (stream.hearing.likely, stream.hearing.phones) if x]
    return _Heard(
        np.concatenate(parts, 1),
        plain(spoken.transcript.text),
        plain(ears.finish(other, asked).transcript.text) if other and asked else None,
        spoken.cues.emotion if spoken.cues else {},
    )


@torch.inference_mode()
def _whole(
    ear: Ear, head: EmotionHead | None, samples: Samples, asked: Expectation | None
) -> _Heard:
    *layers, last = ear.encoder(torch.from_numpy(samples)[None])
    likely = F.log_softmax(ear.head(last[0]).float(), -1).numpy()
    phones = None
    if ear.phone_head is not None:
        phones = F.log_softmax(ear.phone_head(last[0]).float(), -1).numpy()

    def text(expect: Expectation) -> str:
        return plain(ear.transcriber.decide(likely, 0, expect, phones).text)

    emotion: Mapping[Emotion, float] = {}
    if head is not None:
        measured = tones(samples, None)
        feeling = head.feel(head.blend(torch.cat(layers)), measured, Caller())
        emotion = cues(feeling, measured.prosody, len(samples) / RATE).emotion
    outputs = likely if phones is None else np.concatenate([likely, phones], 1)
    return _Heard(outputs, text(Expectation()), text(asked) if asked else None, emotion)


def _ua(turns: Sequence[Turn], heard: Sequence[_Heard]) -> float | None:
    felt = [replace(t, emotion=h.emotion) for t, h in zip(turns, heard, strict=True)]
    (ua,) = [m for m in emotions(felt) if m.key == "ua"]
    return float(ua.formula(ua.tally.sum(0)))
