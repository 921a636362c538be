"""Contenders (speech models under evaluation) and their analysis of each recording.

Recordings are streamed through `audio.speech_analyser.SpeechAnalyser` in packets of 200 ms. What
the dialogue expects is needed at the end of a turn only, so one encoding is decoded twice: as an
open question and as an answer. The two transcripts are never mixed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.audio_source import AudioSource
from agent.lab.evaluation.manifest import BadLine, LabelledRecording, normalised_text
from agent.lab.training.ears.offline_recogniser import ChannelSimulation
from audio import checkpoints
from audio.checkpoints import CheckpointError
from audio.speaker_normalisation import SpeakerProfile
from audio.speech_analyser import ModelInfo, SpeechAnalyser, TurnStream
from audio.types import RATE, AudioError, Emotion, Expectation, Precision, Samples, Transcript

PACKET_SAMPLES = RATE // 5

TrackRecordings = Callable[
    [Iterable[LabelledRecording], str, int], Iterable[LabelledRecording]
]  # with progress


@dataclass(frozen=True, slots=True)
class Contender:
    """Models to evaluate: those in `weights`, less the ones that the two checkpoints replace."""

    name: str
    weights: Path
    speech_checkpoint: str | None = None
    emotion_checkpoint: str | None = None
    precision: Precision = "auto"

    def load(self, infer_emotion: bool) -> SpeechAnalyser:
        try:
            return SpeechAnalyser.load(
                self.weights,
                self.speech_checkpoint,
                infer_emotion,
                self.emotion_checkpoint,
                precision=self.precision,
            )
        except (CheckpointError, OSError) as problem:
            raise EvaluationError(str(problem)) from problem


@dataclass(frozen=True, slots=True)
class AnalysedTurn:
    """One contender's analysis of one recording. Texts are normalised by `normalised_text`."""

    recording: LabelledRecording
    expectation: Expectation | None
    answer_kind: str  # of the reference, whether or not it was expected; "": no answer
    open_transcript: Transcript
    answer_transcript: Transcript | None  # None: nothing in particular was expected
    emotion: Mapping[Emotion, float] | None  # None: not inferred; empty: the head abstained
    seconds: float  # of audio
    cpu_s: float  # CPU seconds of one thread: streaming and the open decoding


@dataclass(frozen=True, slots=True)
class ContenderResult:
    contender: Contender
    models: Mapping[str, ModelInfo]
    turns: tuple[AnalysedTurn, ...]

    @property
    def real_time_factor(self) -> float:
        """CPU seconds per second of audio."""
        return sum(t.cpu_s for t in self.turns) / sum(t.seconds for t in self.turns)


def find_contender(name: str | None, weights: Path) -> Contender:
    """None: the embedded models. Otherwise a folder of weights such as `agent/weights`, or a CTC or
    emotion (sequence classification) checkpoint by folder or hub name.

    EvaluationError when it is none of these."""
    if name is None:
        return Contender("embedded", weights)
    if (Path(name) / "ears" / "config.json").exists():
        return Contender(name, Path(name))
    try:
        found = checkpoints.find(name)
    except CheckpointError as problem:
        raise EvaluationError(str(problem)) from problem
    if found.is_emotion_classifier:
        return Contender(name, weights, emotion_checkpoint=name)
    if found.is_ctc:
        return Contender(name, weights, speech_checkpoint=name)
    kinds = ", ".join(found.config.architectures or ()) or "nothing"
    raise EvaluationError(f"{name!r} says it is {kinds}: it neither spells nor feels")


def split_readable(
    recordings: Sequence[LabelledRecording], audio: AudioSource, track: TrackRecordings
) -> tuple[tuple[LabelledRecording, ...], tuple[BadLine, ...]]:
    """Recordings with readable audio, the same for every contender, and the unreadable ones."""
    readable, unreadable = list[LabelledRecording](), list[BadLine]()
    for recording in track(recordings, "reading", len(recordings)):
        try:
            audio.read(recording.path)
        except AudioError as problem:
            unreadable.append(BadLine(recording.line, str(problem)))
        else:
            readable.append(recording)
    return tuple(readable), tuple(unreadable)


def run_contender(
    contender: Contender,
    recordings: Sequence[LabelledRecording],
    expectations: Mapping[str, tuple[Expectation | None, str]],
    audio: AudioSource,
    channel: ChannelSimulation,
    track: TrackRecordings,
) -> ContenderResult:
    """Run one contender. `expectations`: by path, (what is expected, kind of the answer)."""
    infer_emotion = any(r.emotion for r in recordings)
    with single_torch_thread():
        analyser = contender.load(infer_emotion)
        analyser.warm_up()
        callers: dict[
            str, SpeakerProfile
        ] = {}  # a speaker's recordings count as the turns of one call
        turns = tuple(
            _analyse_recording(
                analyser,
                r,
                expectations[r.path],
                channel(*audio.read(r.path)),
                callers.setdefault(r.speaker or r.path, SpeakerProfile())
                if infer_emotion
                else None,
            )
            for r in track(recordings, contender.name, len(recordings))
        )
    return ContenderResult(contender, analyser.models, turns)


def stream_recording(
    analyser: SpeechAnalyser, samples: Samples, caller: SpeakerProfile | None
) -> TurnStream:
    """A stream fed with all of `samples`, ready to be finished; infers emotion given a `caller`."""
    stream = analyser.open(0, caller is not None, caller)
    for at in range(0, len(samples), PACKET_SAMPLES):
        analyser.advance([(stream, samples[at : at + PACKET_SAMPLES])])
    return stream


def _analyse_recording(
    analyser: SpeechAnalyser,
    recording: LabelledRecording,
    expected: tuple[Expectation | None, str],
    samples: Samples,
    caller: SpeakerProfile | None,
) -> AnalysedTurn:
    expectation, answer_kind = expected
    # CPU time instead of wall-clock time: other programs must not count.
    began = time.process_time()
    stream = stream_recording(analyser, samples, caller)
    stream_cpu_s = time.process_time() - began
    began = time.process_time()
    result = analyser.finish(stream, Expectation())
    cpu_s = stream_cpu_s + time.process_time() - began
    answer = analyser.decode(stream, expectation) if expectation else None
    return AnalysedTurn(
        recording=recording,
        expectation=expectation,
        answer_kind=answer_kind,
        open_transcript=_with_normalised_text(result.transcript),
        answer_transcript=answer and _with_normalised_text(answer),
        emotion=result.cues.emotion if result.cues else None,
        seconds=len(samples) / RATE,
        cpu_s=cpu_s,
    )


def _with_normalised_text(transcript: Transcript) -> Transcript:
    return replace(transcript, text=normalised_text(transcript.text))


@contextmanager
def single_torch_thread() -> Iterator[None]:
    """Run torch on one thread, as the server does, within this context."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
