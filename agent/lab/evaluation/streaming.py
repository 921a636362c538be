"""Comparison of streamed analysis with the analysis of whole turns, on a user's recordings.

For the embedded encoder both are equal, except for the rounding of bfloat16 where it is used.
Other checkpoints see less context when they stream than in training; the comparison measures the
difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from agent.lab.arrays import BoolArray
from agent.lab.evaluation.audio_source import AudioSource
from agent.lab.evaluation.contenders import (
    AnalysedTurn,
    Contender,
    TrackRecordings,
    single_torch_thread,
    stream_recording,
)
from agent.lab.evaluation.manifest import normalised_text
from agent.lab.evaluation.speech_metrics import emotion_metrics
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
class StreamingComparison:
    """Streamed against whole turns. UA is None where emotion was not inferred."""

    recordings: int
    same_open: float  # share of recordings with identical text
    same_asked: float | None
    same_frames: float  # share of frames with the same likeliest letter or phone
    largest: float  # difference of any log probability of a letter or phone in any frame
    ua_streamed: float | None
    ua_whole: float | None


@dataclass(frozen=True, slots=True)
class _Analysis:
    """One recording analysed in one of the two ways."""

    outputs: Scores  # log probabilities (frames, letters + phones)
    open_text: str
    answer_text: str | None
    emotion: Mapping[Emotion, float]


def compare_streaming(
    contender: Contender,
    turns: Sequence[AnalysedTurn],
    audio: AudioSource,
    channel: ChannelSimulation,
    track: TrackRecordings,
) -> StreamingComparison | None:
    """The comparison; None when the contender does not stream but re-encodes whole turns."""
    infer_emotion = (
        any(turn.emotion is not None for turn in turns) and contender.emotion_checkpoint is None
    )
    streamed, whole = list[_Analysis](), list[_Analysis]()
    with single_torch_thread():
        analyser = contender.load(infer_emotion)
        speech_model = analyser.models["words"]
        if speech_model.streaming == "windowed":
            return None
        is_exact = speech_model.streaming == "exact"
        has_head = is_exact and "emotion" in analyser.models
        head = load_head(contender.weights / "emotion") if has_head else None
        whole_of = (
            _embedded_analyser(OfflineRecogniser(Path(speech_model.source)), head)
            if is_exact
            else _windowed_analyser(analyser, speech_model.source)
        )
        recordings = [turn.recording for turn in turns]
        watched = track(recordings, "streamed and whole", len(recordings))
        for turn, recording in zip(turns, watched, strict=True):
            samples, asked = channel(*audio.read(recording.path)), turn.expectation
            streamed.append(_analyse_streamed(analyser, samples, asked, head is not None))
            whole.append(whole_of(samples, asked))
    pairs = list(zip(streamed, whole, strict=True))
    answers = [a.answer_text == b.answer_text for a, b in pairs if a.answer_text is not None]
    return StreamingComparison(
        recordings=len(pairs),
        same_open=float(np.mean([a.open_text == b.open_text for a, b in pairs])),
        same_asked=float(np.mean(answers)) if answers else None,
        same_frames=float(
            np.mean(np.concatenate([_same_likeliest(a.outputs, b.outputs) for a, b in pairs]))
        ),
        largest=max(float(np.abs(a.outputs - b.outputs).max(initial=0)) for a, b in pairs),
        ua_streamed=_mean_recall(turns, streamed) if head else None,
        ua_whole=_mean_recall(turns, whole) if head else None,
    )


def _analyse_streamed(
    analyser: SpeechAnalyser, samples: Samples, expectation: Expectation | None, infer_emotion: bool
) -> _Analysis:
    stream = stream_recording(analyser, samples, SpeakerProfile() if infer_emotion else None)
    result = analyser.finish(stream, Expectation())
    parts = [
        np.concatenate(x)
        for x in (stream.recogniser_state.letter_scores, stream.recogniser_state.phone_scores)
        if x
    ]
    return _Analysis(
        np.concatenate(parts, 1),
        normalised_text(result.transcript.text),
        normalised_text(analyser.decode(stream, expectation).text) if expectation else None,
        result.cues.emotion if result.cues else {},
    )


AnalyseWhole = Callable[[Samples, Expectation | None], _Analysis]


def _same_likeliest(one: Scores, other: Scores) -> BoolArray:
    return np.asarray(one.argmax(1) == other.argmax(1))


def _windowed_analyser(analyser: SpeechAnalyser, name: str) -> AnalyseWhole:
    """Analysis by a checkpoint not trained to stream, as transformers runs it on whole turns."""
    model, alphabet, normalise = checkpoints.open_ctc_model(checkpoints.find(name))
    windowed = WindowedRecogniser(model, normalise, Transcriber(alphabet))

    def analyse(samples: Samples, asked: Expectation | None) -> _Analysis:
        likely = windowed.letter_scores(samples)
        stream = analyser.open(0, infer_emotion=False)
        analyser.close(stream)
        stream.scores = likely, None

        def text(expect: Expectation) -> str:
            return normalised_text(analyser.decode(stream, expect).text)

        return _Analysis(likely, text(Expectation()), text(asked) if asked else None, {})

    return analyse


def _embedded_analyser(ear: OfflineRecogniser, head: EmotionHead | None) -> AnalyseWhole:
    return lambda samples, asked: _analyse_whole(ear, head, samples, asked)


@torch.inference_mode()
def _analyse_whole(
    ear: OfflineRecogniser,
    head: EmotionHead | None,
    samples: Samples,
    expectation: Expectation | None,
) -> _Analysis:
    *layers, last = ear.encoder(torch.from_numpy(samples)[None])
    likely = F.log_softmax(ear.head(last[0]).float(), -1).numpy()
    phones = None
    if ear.phone_head is not None:
        phones = F.log_softmax(ear.phone_head(last[0]).float(), -1).numpy()

    def text(expect: Expectation) -> str:
        return normalised_text(ear.transcriber.decode(likely, 0, expect, phones).text)

    emotion: Mapping[Emotion, float] = {}
    if head is not None:
        measured = measure_prosody(samples, None)
        feeling = head.estimate(head.blend_layers(torch.cat(layers)), measured, SpeakerProfile())
        emotion = acoustic_cues(feeling, measured.prosody, len(samples) / RATE).emotion
    outputs = likely if phones is None else np.concatenate([likely, phones], 1)
    return _Analysis(
        outputs, text(Expectation()), text(expectation) if expectation else None, emotion
    )


def _mean_recall(turns: Sequence[AnalysedTurn], analyses: Sequence[_Analysis]) -> float | None:
    judged_turns = [replace(t, emotion=h.emotion) for t, h in zip(turns, analyses, strict=True)]
    (ua,) = [m for m in emotion_metrics(judged_turns) if m.key == "ua"]
    return float(ua.formula(ua.tally.sum(0)))
