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
from agent.lab.evaluation.audio_source import Sounds
from agent.lab.evaluation.manifest import Flaw, Recording, plain
from agent.lab.training.ears.offline_recogniser import ChannelSimulation
from audio import checkpoints
from audio.checkpoints import CheckpointError
from audio.speaker_normalisation import SpeakerProfile
from audio.speech_analyser import ModelInfo, SpeechAnalyser, TurnStream
from audio.types import RATE, AudioError, Emotion, Expectation, Precision, Samples, Transcript

PACKET = RATE // 5

Watch = Callable[[Iterable[Recording], str, int], Iterable[Recording]]  # shows progress


@dataclass(frozen=True, slots=True)
class Contender:
    """Ears to be measured. `words` and `feelings` take the place of the embedded ones."""

    name: str
    weights: Path
    words: str | None = None
    feelings: str | None = None
    precision: Precision = "auto"

    def load(self, feel: bool) -> SpeechAnalyser:
        try:
            return SpeechAnalyser.load(
                self.weights, self.words, feel, self.feelings, precision=self.precision
            )
        except (CheckpointError, OSError) as problem:
            raise EvaluationError(str(problem)) from problem


@dataclass(frozen=True, slots=True)
class Turn:
    """One recording as one contender heard it. Texts are `plain`."""

    recording: Recording
    question: Expectation | None
    sort: str  # the kind of answer it is, whether or not the ears were told; "" is none
    open: Transcript
    asked: Transcript | None  # None: there was no question
    emotion: Mapping[Emotion, float] | None  # None: not listened for; empty: the head abstained
    seconds: float  # of sound
    compute: float  # CPU seconds of one thread: packets and the open decision


@dataclass(frozen=True, slots=True)
class Measured:
    contender: Contender
    models: Mapping[str, ModelInfo]
    turns: tuple[Turn, ...]

    @property
    def real_time(self) -> float:
        """CPU seconds for each second of sound."""
        return sum(t.compute for t in self.turns) / sum(t.seconds for t in self.turns)


def contender(name: str | None, weights: Path) -> Contender:
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
        return Contender(name, weights, feelings=name)
    if found.is_ctc:
        return Contender(name, weights, words=name)
    kinds = ", ".join(found.config.architectures or ()) or "nothing"
    raise EvaluationError(f"{name!r} says it is {kinds}: it neither spells nor feels")


def playable(
    recordings: Sequence[Recording], sounds: Sounds, watch: Watch
) -> tuple[tuple[Recording, ...], tuple[Flaw, ...]]:
    """Recordings whose sound can be read, so that every contender hears the same ones."""
    fine, flaws = list[Recording](), list[Flaw]()
    for recording in watch(recordings, "reading", len(recordings)):
        try:
            sounds.read(recording.path)
        except AudioError as problem:
            flaws.append(Flaw(recording.line, str(problem)))
        else:
            fine.append(recording)
    return tuple(fine), tuple(flaws)


def measured(
    one: Contender,
    recordings: Sequence[Recording],
    questions: Mapping[str, tuple[Expectation | None, str]],
    sounds: Sounds,
    room: ChannelSimulation,
    watch: Watch,
) -> Measured:
    """`questions`: by path, what is asked before the recording, and its sort."""
    feel = any(r.emotion for r in recordings)
    with single_thread():
        ears = one.load(feel)
        ears.warm_up()
        callers: dict[
            str, SpeakerProfile
        ] = {}  # a speaker's recordings are turns of one call, in order
        turns = tuple(
            _turn(
                ears,
                r,
                questions[r.path],
                room(*sounds.read(r.path)),
                callers.setdefault(r.speaker or r.path, SpeakerProfile()) if feel else None,
            )
            for r in watch(recordings, one.name, len(recordings))
        )
    return Measured(one, ears.models, turns)


def hear(ears: SpeechAnalyser, samples: Samples, caller: SpeakerProfile | None) -> TurnStream:
    """A stream that was fed all of `samples`, ready to be finished. Feels if there is a caller."""
    stream = ears.open(0, caller is not None, caller)
    for at in range(0, len(samples), PACKET):
        ears.advance([(stream, samples[at : at + PACKET])])
    return stream


def _turn(
    ears: SpeechAnalyser,
    recording: Recording,
    question: tuple[Expectation | None, str],
    samples: Samples,
    caller: SpeakerProfile | None,
) -> Turn:
    asked, sort = question
    # CPU time and not the clock's: other programs on the machine must not count.
    began = time.process_time()
    stream = hear(ears, samples, caller)
    heard = time.process_time() - began
    began = time.process_time()
    spoken = ears.finish(stream, Expectation())
    compute = heard + time.process_time() - began
    answer = ears.decode(stream, asked) if asked else None
    return Turn(
        recording=recording,
        question=asked,
        sort=sort,
        open=_plain(spoken.transcript),
        asked=answer and _plain(answer),
        emotion=spoken.cues.emotion if spoken.cues else None,
        seconds=len(samples) / RATE,
        compute=compute,
    )


def _plain(transcript: Transcript) -> Transcript:
    return replace(transcript, text=plain(transcript.text))


@contextmanager
def single_thread() -> Iterator[None]:
    """torch on one thread, as the server runs it, for as long as this lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
