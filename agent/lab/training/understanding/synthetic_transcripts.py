"""What does our own transcriber make of sentences that nobody ever said?

Sentences are spoken by synthetic voices, sent down a telephone line and transcribed by the shipped
ears, so that the text models learn (and are measured on) the mistakes they will really meet. The
voices of `HELD_OUT` never speak a training sentence; the espeak voices among them did not train
the ears either, flite's two did. A file of hypotheses is kept in the work folder and gone on with;
it is bound to the ears by the start of their checkpoint's SHA-256. Invariants, held by
tests/agent/training/test_heard.py: no held-out voice trains; a sentence always has the same voice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from agent.lab.training.ears.offline_recogniser import telephone_channel
from agent.lab.training.ears.speech_synthesis import (
    SyntheticVoice,
    espeak_voice,
    espeak_voices,
    recorded_voices,
)
from agent.lab.training.understanding.examples import IntentExample, stable_bucket
from agent.understanding.text_features import plain_text
from audio.speech_analyser import SpeechAnalyser
from audio.types import Expectation

TRAINING_FLITE_VOICES = (
    "kal16",
    "awb",
)  # of flite's voices; the rest of those that are quick are held out
# Teaching voices kept from a model while it is tuned: a caller has a new voice, too, and sets and
# temperatures would promise too much otherwise.
TUNING_VOICES = ("awb", "en-gb-scotland", "en-gb-x-rp")
HELD_OUT_FLITE_VOICES = ("rms", "slt")
HELD_OUT_ESPEAK_VOICES = tuple(
    f"{accent}+{variant}"
    for accent in ("en-us-nyc", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd")
    for variant in ("m5", "m6", "Andy", "Annie", "Michael", "Alicia")
)
# Sources that are spoken words already, or about no business.
UNSPOKEN_SOURCES = ("evi", "itn_en", "disfl_qa", "outside", "anything")
MAX_OTHER_SENTENCES = 3_000  # sentences of the other sets that are said
MAX_CHARACTERS = 300  # signs; nobody says more in one breath


@dataclass(frozen=True, slots=True)
class SyntheticTranscript:
    """A sentence, who said it, and the transcript with its confidence."""

    text: str
    voice: str
    heard: str
    confidence: float


@dataclass(frozen=True, slots=True)
class VoiceAssignment:
    """Voices that share the sentences out among them, by a hash of the sentence."""

    voices: tuple[SyntheticVoice, ...]

    def voice_for(self, text: str, take: int = 0) -> SyntheticVoice:
        return self.voices[stable_bucket(f"{take} {text}", len(self.voices))]


def training_voices() -> VoiceAssignment:
    """Two thirds of the sentences go to recorded voices, where flite is installed."""
    recorded = [one for one in recorded_voices() if one.name in TRAINING_FLITE_VOICES]
    espeak = espeak_voices()
    return VoiceAssignment((*espeak, *(recorded * (len(espeak) if recorded else 0))))


def held_out_voices() -> VoiceAssignment:
    """Half of the sentences go to recorded voices, where flite is installed."""
    espeak = [espeak_voice(name) for name in HELD_OUT_ESPEAK_VOICES]
    recorded = [one for one in recorded_voices() if one.name in HELD_OUT_FLITE_VOICES]
    return VoiceAssignment(
        (*espeak, *(recorded * (len(espeak) // len(recorded) if recorded else 0)))
    )


def transcribe_synthesised(
    texts: Sequence[str],
    assignment: VoiceAssignment,
    checkpoint: Path,
    work_folder: Path,
    console: Console | None = None,
    takes: int = 1,
    max_new: int | None = None,
) -> list[SyntheticTranscript]:
    """Each text as the ears heard it, once for each take; what is in the work folder is not said
    again. `most` bounds what is newly said, so that a long list can be done by instalments."""
    stored = _TranscriptFile(checkpoint, work_folder)
    wanted = [
        (text, assignment.voice_for(text, take))
        for text in dict.fromkeys(texts)
        for take in range(takes)
        if 0 < len(text) <= MAX_CHARACTERS
    ]
    missing = [(t, s) for t, s in wanted if (t, s.name) not in stored.transcripts][:max_new]
    if missing:
        shown: Iterable[tuple[str, SyntheticVoice]] = missing
        if console is not None:
            shown = track(missing, "saying and hearing", len(missing), console=console)
        stored.transcribe(shown)
    transcripts = (stored.transcripts.get((text, speaker.name)) for text, speaker in wanted)
    return [one for one in transcripts if one is not None]


def with_transcripts(
    rows: Sequence[IntentExample],
    checkpoint: Path,
    work_folder: Path,
    console: Console | None = None,
) -> list[IntentExample]:
    """The rows with what was heard of them: our own, Banking77's, and `OTHERS` more."""
    others = [
        r
        for r in rows
        if r.source not in ("own", "banking77", *UNSPOKEN_SOURCES) and r.split != "test"
    ]
    chosen = set(
        sorted(others, key=lambda row: stable_bucket(row.text, 2**31))[:MAX_OTHER_SENTENCES]
    )
    spoken_rows = [
        row
        for row in rows
        if row in chosen or (row.source in ("own", "banking77") and row.split != "test")
    ]
    by_text: dict[str, list[str]] = {}
    texts = [row.original_text or row.text for row in spoken_rows]
    for transcript in transcribe_synthesised(
        texts, training_voices(), checkpoint, work_folder, console
    ):
        if transcript.heard:
            by_text.setdefault(plain_text(transcript.text), []).append(transcript.heard)
    return [
        replace(row, transcripts=tuple(by_text.get(plain_text(row.text), ())))
        if row.split != "test"
        else row
        for row in rows
    ]


def drop_tuning_voice_transcripts(rows: Sequence[IntentExample]) -> list[IntentExample]:
    """For a model that is tuned: nothing that a tuning voice said."""
    return [replace(row, transcripts=()) if _has_tuning_voice(row) else row for row in rows]


def keep_tuning_voice_transcripts(rows: Sequence[IntentExample]) -> list[IntentExample]:
    """What such a model is tuned on."""
    return [row if _has_tuning_voice(row) else replace(row, transcripts=()) for row in rows]


def is_tuning_voice(voice: str) -> bool:
    return voice.partition("+")[0] in TUNING_VOICES


@cache
def _training_voices() -> VoiceAssignment:
    return training_voices()


def _has_tuning_voice(row: IntentExample) -> bool:
    return bool(row.transcripts) and is_tuning_voice(
        _training_voices().voice_for(row.original_text or row.text).name
    )


def read_transcripts(checkpoint: Path, work_folder: Path) -> list[SyntheticTranscript]:
    """All that teaching voices said so far, and how it was heard."""
    voices = {speaker.name for speaker in training_voices().voices}
    return [
        one
        for one in _TranscriptFile(checkpoint, work_folder).transcripts.values()
        if one.voice in voices
    ]


class _TranscriptFile:
    """The file of what was heard so far, by text and voice."""

    def __init__(self, checkpoint: Path, work_folder: Path) -> None:
        from audio import checkpoints

        self.checkpoint = checkpoint
        self.path = (
            work_folder / f"heard-{checkpoints.find(str(checkpoint)).weights_digest()}.jsonl"
        )
        self.transcripts: dict[tuple[str, str], SyntheticTranscript] = {}
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                one = SyntheticTranscript(**json.loads(line))
                self.transcripts[one.text, one.voice] = one

    def transcribe(self, wanted: Iterable[tuple[str, SyntheticVoice]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        recognise = _recogniser(self.checkpoint)
        with self.path.open("a", encoding="utf-8") as out:
            for text, speaker in wanted:
                heard, confidence = recognise(text, speaker)
                transcript = SyntheticTranscript(text, speaker.name, heard, confidence)
                self.transcripts[text, speaker.name] = transcript
                row = {
                    "text": text,
                    "voice": transcript.voice,
                    "heard": heard,
                    "confidence": confidence,
                }
                out.write(json.dumps(row, ensure_ascii=False) + "\n")


def _recogniser(folder: Path) -> Callable[[str, SyntheticVoice], tuple[str, float]]:
    """The ears as a call has them: 8 kHz, no question asked, emotion off."""
    analyser = SpeechAnalyser.load(folder.parent, infer_emotion=False)
    analyser.warm_up()

    def recognise(text: str, speaker: SyntheticVoice) -> tuple[str, float]:
        pcm, rate = speaker.speak(text, np.random.default_rng(stable_bucket(text, 2**31)))
        samples = np.asarray(pcm / 32768, np.float32)
        stream = analyser.open(0, infer_emotion=False)
        analyser.advance([(stream, telephone_channel(samples, rate))])
        transcript = analyser.finish(stream, Expectation()).transcript
        return transcript.text, round(transcript.confidence, 3)

    return recognise


def word_error_rate(transcripts: Sequence[SyntheticTranscript]) -> float:
    """Share of words that were not heard as they were said, on plain words."""
    from agent.lab.training.ears.word_errors import word_edits  # its library is slow to import

    counts = word_edits(
        [plain_text(o.text).split() for o in transcripts],
        [plain_text(o.heard).split() for o in transcripts],
    )
    words = sum(one["num_ref_tokens"] for one in counts)
    return float(sum(one["num_edits"] for one in counts) / words) if words else 0.0
