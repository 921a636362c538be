"""Transcripts of synthesised sentences, so that text models train on real recognition errors.

Synthetic voices speak the sentences, a telephone line carries them, and the shipped speech models
transcribe them; text models are trained and measured on the result. The voices of
`HELD_OUT_ESPEAK_VOICES` and `HELD_OUT_FLITE_VOICES` never speak a training sentence; the espeak
voices among them did not train the speech models either, the two of flite did. The transcripts are
kept in a file of the work folder, which later runs extend; its name holds the start of the
checkpoint's SHA-256. Invariants, held by tests/agent/lab/training/test_heard.py: no held-out voice
trains; a sentence always has the same voice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from agent.lab.json_lines import JsonLinesCache
from agent.lab.training.ears.offline_recogniser import telephone_channel
from agent.lab.training.ears.speech_synthesis import (
    SyntheticVoice,
    espeak_voice,
    espeak_voices,
    recorded_voices,
)
from agent.lab.training.understanding.examples import IntentExample, stable_bucket
from agent.understanding.text_features import plain_text
from audio.codecs import from_pcm16
from audio.speech_analyser import SpeechAnalyser
from audio.types import Expectation

TRAINING_FLITE_VOICES = (
    "kal16",
    "awb",
)  # other fast flite voices are held out
# Training voices that are kept from a model while it is tuned: callers have new voices; without
# this, conformal sets and temperatures would be too optimistic.
TUNING_VOICES = ("awb", "en-gb-scotland", "en-gb-x-rp")
HELD_OUT_FLITE_VOICES = ("rms", "slt")
HELD_OUT_ESPEAK_VOICES = tuple(
    f"{accent}+{variant}"
    for accent in ("en-us-nyc", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd")
    for variant in ("m5", "m6", "Andy", "Annie", "Michael", "Alicia")
)
# Sources that are transcripts already, or out of scope everywhere.
UNSPOKEN_SOURCES = ("evi", "itn_en", "disfl_qa", "outside", "anything")
MAX_OTHER_SENTENCES = 3_000  # sentences of the other sets that are synthesised
MAX_CHARACTERS = 300  # longer than anybody says in one breath


@dataclass(frozen=True, slots=True)
class SyntheticTranscript:
    """A sentence, the voice that spoke it, and the transcript with its confidence.

    The fields are the keys of the file in the work folder.
    """

    text: str
    voice: str
    heard: str
    confidence: float


@dataclass(frozen=True, slots=True)
class VoiceAssignment:
    """An assignment of voices to sentences, by a hash of the sentence."""

    voices: tuple[SyntheticVoice, ...]

    def voice_for(self, text: str, take: int = 0) -> SyntheticVoice:
        return self.voices[stable_bucket(f"{take} {text}", len(self.voices))]


def training_voices() -> VoiceAssignment:
    """The training voices; two thirds of the sentences go to flite's, where it is installed."""
    recorded = [one for one in recorded_voices() if one.name in TRAINING_FLITE_VOICES]
    espeak = espeak_voices()
    return VoiceAssignment((*espeak, *(recorded * (len(espeak) if recorded else 0))))


def held_out_voices() -> VoiceAssignment:
    """The held-out voices; half of the sentences go to flite's, where it is installed."""
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
    """The transcripts of these texts, one for each take, from the work folder where it has them.

    `max_new` limits how many are synthesised now, so that a long list can take several runs.
    """
    stored = _transcript_cache(checkpoint, work_folder)
    wanted = [
        (text, assignment.voice_for(text, take))
        for text in dict.fromkeys(texts)
        for take in range(takes)
        if 0 < len(text) <= MAX_CHARACTERS
    ]
    missing = [(t, s) for t, s in wanted if (t, s.name) not in stored.values][:max_new]
    if missing:
        shown: Iterable[tuple[str, SyntheticVoice]] = missing
        if console is not None:
            shown = track(missing, "speaking and transcribing", len(missing), console=console)
        recognise = _recogniser(checkpoint)
        for text, speaker in shown:
            transcript = SyntheticTranscript(text, speaker.name, *recognise(text, speaker))
            stored.add((text, speaker.name), transcript)
    transcripts = (stored.values.get((text, speaker.name)) for text, speaker in wanted)
    return [one for one in transcripts if one is not None]


def with_transcripts(
    rows: Sequence[IntentExample],
    checkpoint: Path,
    work_folder: Path,
    console: Console | None = None,
) -> list[IntentExample]:
    """The rows with transcripts for our own, Banking77's, and `MAX_OTHER_SENTENCES` more."""
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
    """The rows without tuning voices' transcripts: training data of a model that is tuned."""
    return [replace(row, transcripts=()) if _has_tuning_voice(row) else row for row in rows]


def keep_tuning_voice_transcripts(rows: Sequence[IntentExample]) -> list[IntentExample]:
    """The rows with tuning voices' transcripts alone: what such a model is tuned on."""
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
    """All transcripts of training voices in the work folder."""
    voices = {speaker.name for speaker in training_voices().voices}
    return [
        one
        for one in _transcript_cache(checkpoint, work_folder).values.values()
        if one.voice in voices
    ]


def _transcript_cache(
    checkpoint: Path, work_folder: Path
) -> JsonLinesCache[tuple[str, str], SyntheticTranscript]:
    """The transcripts so far, by text and voice."""
    from audio import checkpoints

    digest = checkpoints.find(str(checkpoint)).weights_digest()
    return JsonLinesCache(
        work_folder / f"heard-{digest}.jsonl",
        lambda row: ((row["text"], row["voice"]), SyntheticTranscript(**row)),
        lambda _, transcript: asdict(transcript),
    )


def _recogniser(folder: Path) -> Callable[[str, SyntheticVoice], tuple[str, float]]:
    """A function that speaks and transcribes a text: 8 kHz, open question, emotion off."""
    analyser = SpeechAnalyser.load(folder.parent, infer_emotion=False)
    analyser.warm_up()

    def recognise(text: str, speaker: SyntheticVoice) -> tuple[str, float]:
        pcm, rate = speaker.speak(text, np.random.default_rng(stable_bucket(text, 2**31)))
        stream = analyser.open(0, infer_emotion=False)
        analyser.advance([(stream, telephone_channel(from_pcm16(pcm), rate))])
        transcript = analyser.finish(stream, Expectation()).transcript
        return transcript.text, round(transcript.confidence, 3)

    return recognise


def word_error_rate(transcripts: Sequence[SyntheticTranscript]) -> float:
    """The word error rate of transcripts, on plain words."""
    from agent.lab.training.ears.word_errors import word_edits  # its library is slow to import

    counts = word_edits(
        [plain_text(o.text).split() for o in transcripts],
        [plain_text(o.heard).split() for o in transcripts],
    )
    words = sum(one["num_ref_tokens"] for one in counts)
    return float(sum(one["num_edits"] for one in counts) / words) if words else 0.0
