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
from audio.model_info import ModelInfo
from audio.model_packages import WHISPER_BASE, missing_distributions
from audio.speaker_normalisation import SpeakerProfile
from audio.speech_analyser import SpeechAnalyser, TurnStream
from audio.transcript_choice import preferred_transcript, should_transcribe
from audio.turn_transcribers import AUTO, is_ctranslate2_folder, load_turn_transcriber
from audio.types import RATE, AudioError, Emotion, Expectation, Precision, Samples, Transcript
from audio.whole_turns import WholeTurnTranscriber

PACKET_SAMPLES = RATE // 5
WRITING_LIMIT_S = 30.0  # for a turn; nobody waits here

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
    writer_checkpoint: str = ""  # transcribes whole turns, beside the encoder

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
    if name == WHISPER_BASE.name:
        return Contender(f"embedded and {name}", weights, writer_checkpoint=AUTO)
    if is_ctranslate2_folder(Path(name)):
        return Contender(name, weights, writer_checkpoint=name)
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
        writer, models = _load_writer(contender, analyser.models)
        callers: dict[
            str, SpeakerProfile
        ] = {}  # a speaker's recordings count as the turns of one call
        turns = tuple(
            _analyse_recording(
                analyser,
                writer,
                r,
                expectations[r.path],
                channel(*audio.read(r.path)),
                callers.setdefault(r.speaker or r.path, SpeakerProfile())
                if infer_emotion
                else None,
            )
            for r in track(recordings, contender.name, len(recordings))
        )
    return ContenderResult(contender, models, turns)


def _load_writer(
    contender: Contender, models: Mapping[str, ModelInfo]
) -> tuple[WholeTurnTranscriber | None, Mapping[str, ModelInfo]]:
    """The transcriber of whole turns, if the contender has one, and all models with it."""
    try:
        loaded = load_turn_transcriber(contender.writer_checkpoint, WRITING_LIMIT_S)
    except AudioError as problem:
        raise EvaluationError(str(problem)) from problem
    if loaded is None:
        if contender.writer_checkpoint == AUTO:
            missing = ", ".join(missing_distributions(WHISPER_BASE))
            raise EvaluationError(f"{WHISPER_BASE.name} is not installed: it needs {missing}")
        return None, models
    writer, info = loaded
    writer.warm_up()
    return writer, {**models, "whole turns": info}


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
    writer: WholeTurnTranscriber | None,
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
    open_transcript = _chosen_transcript(writer, result.transcript, Expectation(), samples)
    cpu_s = stream_cpu_s + time.process_time() - began
    answer = analyser.decode(stream, expectation) if expectation else None
    if answer is not None and expectation is not None:
        answer = _chosen_transcript(writer, answer, expectation, samples)
    return AnalysedTurn(
        recording=recording,
        expectation=expectation,
        answer_kind=answer_kind,
        open_transcript=_with_normalised_text(open_transcript),
        answer_transcript=answer and _with_normalised_text(answer),
        emotion=result.cues.emotion if result.cues else None,
        seconds=len(samples) / RATE,
        cpu_s=cpu_s,
    )


def _chosen_transcript(
    writer: WholeTurnTranscriber | None,
    ctc_transcript: Transcript,
    expectation: Expectation,
    samples: Samples,
) -> Transcript:
    """What the dialogue gets: the encoder's transcript, or the one of the whole turn."""
    if writer is None or not should_transcribe(ctc_transcript, expectation):
        return ctc_transcript
    return preferred_transcript(ctc_transcript, writer.transcribe(samples, 0))


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
