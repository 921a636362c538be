"""Is a turn the same whether it was heard while it was spoken, or whole afterwards?

The embedded encoder promises so, but for the rounding of bfloat16 where it runs in that. Other
checkpoints see less when they stream than they were taught to see; here the difference is measured,
on the user's own recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from agent.lab.evaluation.audio_source import Sounds
from agent.lab.evaluation.contenders import Contender, Turn, Watch, hear, single_thread
from agent.lab.evaluation.manifest import plain
from agent.lab.evaluation.speech_metrics import emotions
from agent.lab.training.ears.offline_recogniser import ChannelSimulation, OfflineRecogniser
from audio import checkpoints
from audio.emotion import EmotionHead, acoustic_cues, load_head
from audio.phrase_search import Scores
from audio.prosody import measure_prosody
from audio.recognisers import WindowedRecogniser
from audio.speaker_normalisation import SpeakerProfile
from audio.speech_analyser import SpeechAnalyser
from audio.transcriber import Transcriber
from audio.types import RATE, Emotion, Expectation, Samples


@dataclass(frozen=True, slots=True)
class Streamed:
    """Streamed against whole. UA is None where no emotion is known."""

    recordings: int
    same_open: float  # share of recordings whose text is the same to the letter
    same_asked: float | None
    same_frames: float  # share of frames in which the same letter, or phone, is the likeliest
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
    room: ChannelSimulation,
    watch: Watch,
) -> Streamed | None:
    """None: these ears do not stream, they hear every turn once more when it has ended."""
    feel = any(turn.emotion is not None for turn in turns) and one.feelings is None
    streamed, whole = list[_Heard](), list[_Heard]()
    with single_thread():
        ears = one.load(feel)
        words = ears.models["words"]
        if words.streaming == "windowed":
            return None
        exact = words.streaming == "exact"
        felt = exact and "emotion" in ears.models
        head = load_head(one.weights / "emotion") if felt else None
        whole_of = (
            _embedded(OfflineRecogniser(Path(words.source)), head)
            if exact
            else _stock(ears, words.source)
        )
        recordings = [turn.recording for turn in turns]
        watched = watch(recordings, "streamed and whole", len(recordings))
        for turn, recording in zip(turns, watched, strict=True):
            samples, asked = room(*sounds.read(recording.path)), turn.question
            streamed.append(_streamed(ears, samples, asked, head is not None))
            whole.append(whole_of(samples, asked))
    pairs = list(zip(streamed, whole, strict=True))
    answers = [a.asked == b.asked for a, b in pairs if a.asked is not None]
    return Streamed(
        recordings=len(pairs),
        same_open=float(np.mean([a.open == b.open for a, b in pairs])),
        same_asked=float(np.mean(answers)) if answers else None,
        same_frames=float(np.mean(np.concatenate([_same(a.outputs, b.outputs) for a, b in pairs]))),
        largest=max(float(np.abs(a.outputs - b.outputs).max(initial=0)) for a, b in pairs),
        ua_streamed=_ua(turns, streamed) if head else None,
        ua_whole=_ua(turns, whole) if head else None,
    )


def _streamed(
    ears: SpeechAnalyser, samples: Samples, asked: Expectation | None, feel: bool
) -> _Heard:
    stream = hear(ears, samples, SpeakerProfile() if feel else None)
    spoken = ears.finish(stream, Expectation())
    parts = [
        np.concatenate(x)
        for x in (stream.recogniser_state.letter_scores, stream.recogniser_state.phone_scores)
        if x
    ]
    return _Heard(
        np.concatenate(parts, 1),
        plain(spoken.transcript.text),
        plain(ears.decode(stream, asked).text) if asked else None,
        spoken.cues.emotion if spoken.cues else {},
    )


Whole = Callable[[Samples, Expectation | None], _Heard]


def _same(one: Scores, other: Scores) -> NDArray[np.bool_]:
    return np.asarray(one.argmax(1) == other.argmax(1))


def _stock(ears: SpeechAnalyser, name: str) -> Whole:
    """A checkpoint that was never taught to stream, as transformers runs it on a whole turn."""
    model, alphabet, normalise = checkpoints.open_ctc_model(checkpoints.find(name))
    whole = WindowedRecogniser(model, normalise, Transcriber(alphabet))

    def hear_whole(samples: Samples, asked: Expectation | None) -> _Heard:
        likely = whole.letter_scores(samples)
        stream = ears.open(0, infer_emotion=False)
        ears.close(stream)
        stream.scores = likely, None

        def text(expect: Expectation) -> str:
            return plain(ears.decode(stream, expect).text)

        return _Heard(likely, text(Expectation()), text(asked) if asked else None, {})

    return hear_whole


def _embedded(ear: OfflineRecogniser, head: EmotionHead | None) -> Whole:
    return lambda samples, asked: _whole(ear, head, samples, asked)


@torch.inference_mode()
def _whole(
    ear: OfflineRecogniser, head: EmotionHead | None, samples: Samples, asked: Expectation | None
) -> _Heard:
    *layers, last = ear.encoder(torch.from_numpy(samples)[None])
    likely = F.log_softmax(ear.head(last[0]).float(), -1).numpy()
    phones = None
    if ear.phone_head is not None:
        phones = F.log_softmax(ear.phone_head(last[0]).float(), -1).numpy()

    def text(expect: Expectation) -> str:
        return plain(ear.transcriber.decode(likely, 0, expect, phones).text)

    emotion: Mapping[Emotion, float] = {}
    if head is not None:
        measured = measure_prosody(samples, None)
        feeling = head.estimate(head.blend_layers(torch.cat(layers)), measured, SpeakerProfile())
        emotion = acoustic_cues(feeling, measured.prosody, len(samples) / RATE).emotion
    outputs = likely if phones is None else np.concatenate([likely, phones], 1)
    return _Heard(outputs, text(Expectation()), text(asked) if asked else None, emotion)


def _ua(turns: Sequence[Turn], heard: Sequence[_Heard]) -> float | None:
    felt = [replace(t, emotion=h.emotion) for t, h in zip(turns, heard, strict=True)]
    (ua,) = [m for m in emotions(felt) if m.key == "ua"]
    return float(ua.formula(ua.tally.sum(0)))
