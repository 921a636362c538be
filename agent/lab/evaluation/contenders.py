"""What do ears make of each recording, heard as a caller would be?

Everything goes through `audio.speech_analyser.Ears`, in packets of 200 ms. The question that was
asked comes in at the end of a turn only, so one hearing is decided twice: once as an open question,
and once as an answer. The two are never mixed.
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
]  # shows progress


@dataclass(frozen=True, slots=True)
class Contender:
    """Ears to be measured. `words` and `feelings` take the place of the embedded ones."""

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
    """One recording as one contender heard it. Texts are `plain`."""

    recording: LabelledRecording
    expectation: Expectation | None
    answer_kind: str  # the kind of answer it is, whether or not the ears were told; "" is none
    open_transcript: Transcript
    answer_transcript: Transcript | None  # None: there was no question
    emotion: Mapping[Emotion, float] | None  # None: not listened for; empty: the head abstained
    seconds: float  # of sound
    cpu_s: float  # CPU seconds of one thread: packets and the open decision


@dataclass(frozen=True, slots=True)
class ContenderResult:
    contender: Contender
    models: Mapping[str, ModelInfo]
    turns: tuple[AnalysedTurn, ...]

    @property
    def real_time_factor(self) -> float:
        """CPU seconds for each second of sound."""
        return sum(t.cpu_s for t in self.turns) / sum(t.seconds for t in self.turns)


def find_contender(name: str | None, weights: Path) -> Contender:
    """None: the embedded ears. Otherwise a folder of weights such as `agent/weights`, or a
    checkpoint by folder or hub name that spells (CTC) or feels (sequence classification)."""
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
    """Recordings whose sound can be read, so that every contender hears the same ones."""
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
    """`questions`: by path, what is asked before the recording, and its sort."""
    infer_emotion = any(r.emotion for r in recordings)
    with single_torch_thread():
        analyser = contender.load(infer_emotion)
        analyser.warm_up()
        callers: dict[
            str, SpeakerProfile
        ] = {}  # a speaker's recordings are turns of one call, in order
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
    """A stream that was fed all of `samples`, ready to be finished. Feels if there is a caller."""
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
    # CPU time and not the clock's: other programs on the machine must not count.
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
    """torch on one thread, as the server runs it, for as long as this lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
