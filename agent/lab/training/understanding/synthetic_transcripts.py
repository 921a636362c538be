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

from agent.lab.training.ears.offline_recogniser import phone
from agent.lab.training.ears.speech_synthesis import (
    Speaker,
    espeak_speakers,
    espeak_voice,
    recorded_speakers,
)
from agent.lab.training.understanding.examples import Example, part
from agent.understanding.text_features import plain
from audio.speech_analyser import Ears
from audio.types import Expectation

TAUGHT = ("kal16", "awb")  # of flite's voices; the rest of those that are quick are held out
# Teaching voices kept from a model while it is tuned: a caller has a new voice, too, and sets and
# temperatures would promise too much otherwise.
TUNING = ("awb", "en-gb-scotland", "en-gb-x-rp")
HELD_OUT_RECORDED = ("rms", "slt")
HELD_OUT_ESPEAK = tuple(
    f"{accent}+{variant}"
    for accent in ("en-us-nyc", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd")
    for variant in ("m5", "m6", "Andy", "Annie", "Michael", "Alicia")
)
# Sources that are spoken words already, or about no business.
UNSAID = ("evi", "itn_en", "disfl_qa", "outside", "anything")
OTHERS = 3_000  # sentences of the other sets that are said
LONGEST = 300  # signs; nobody says more in one breath


@dataclass(frozen=True, slots=True)
class Heard:
    """A sentence, who said it, and the transcript with its confidence."""

    text: str
    voice: str
    heard: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Choir:
    """Voices that share the sentences out among them, by a hash of the sentence."""

    speakers: tuple[Speaker, ...]

    def of(self, text: str, take: int = 0) -> Speaker:
        return self.speakers[part(f"{take} {text}", len(self.speakers))]


def teachers() -> Choir:
    """Two thirds of the sentences go to recorded voices, where flite is installed."""
    recorded = [one for one in recorded_speakers() if one.name in TAUGHT]
    many = espeak_speakers()
    return Choir((*many, *(recorded * (len(many) if recorded else 0))))


def held_out() -> Choir:
    """Half of the sentences go to recorded voices, where flite is installed."""
    unseen = [espeak_voice(name) for name in HELD_OUT_ESPEAK]
    recorded = [one for one in recorded_speakers() if one.name in HELD_OUT_RECORDED]
    return Choir((*unseen, *(recorded * (len(unseen) // len(recorded) if recorded else 0))))


def heard(
    texts: Sequence[str],
    choir: Choir,
    ears: Path,
    work: Path,
    console: Console | None = None,
    takes: int = 1,
    most: int | None = None,
) -> list[Heard]:
    """Each text as the ears heard it, once for each take; what is in the work folder is not said
    again. `most` bounds what is newly said, so that a long list can be done by instalments."""
    found = _Hypotheses(ears, work)
    wanted = [
        (text, choir.of(text, take))
        for text in dict.fromkeys(texts)
        for take in range(takes)
        if 0 < len(text) <= LONGEST
    ]
    missing = [(t, s) for t, s in wanted if (t, s.name) not in found.known][:most]
    if missing:
        shown: Iterable[tuple[str, Speaker]] = missing
        if console is not None:
            shown = track(missing, "saying and hearing", len(missing), console=console)
        found.add(shown)
    kept = (found.known.get((text, speaker.name)) for text, speaker in wanted)
    return [one for one in kept if one is not None]


def taught(
    rows: Sequence[Example], ears: Path, work: Path, console: Console | None = None
) -> list[Example]:
    """The rows with what was heard of them: our own, Banking77's, and `OTHERS` more."""
    others = [
        r for r in rows if r.source not in ("own", "banking77", *UNSAID) and r.split != "test"
    ]
    chosen = set(sorted(others, key=lambda row: part(row.text, 2**31))[:OTHERS])
    said = [
        row
        for row in rows
        if row in chosen or (row.source in ("own", "banking77") and row.split != "test")
    ]
    found: dict[str, list[str]] = {}
    texts = [row.written or row.text for row in said]
    for one in heard(texts, teachers(), ears, work, console):
        if one.heard:
            found.setdefault(plain(one.text), []).append(one.heard)
    return [
        replace(row, heard=tuple(found.get(plain(row.text), ()))) if row.split != "test" else row
        for row in rows
    ]


def without_tuning_voices(rows: Sequence[Example]) -> list[Example]:
    """For a model that is tuned: nothing that a tuning voice said."""
    return [replace(row, heard=()) if _tunes(row) else row for row in rows]


def tuning_voices_alone(rows: Sequence[Example]) -> list[Example]:
    """What such a model is tuned on."""
    return [row if _tunes(row) else replace(row, heard=()) for row in rows]


def is_tuning(voice: str) -> bool:
    return voice.partition("+")[0] in TUNING


@cache
def _choir() -> Choir:
    return teachers()


def _tunes(row: Example) -> bool:
    return bool(row.heard) and is_tuning(_choir().of(row.written or row.text).name)


def known(ears: Path, work: Path) -> list[Heard]:
    """All that teaching voices said so far, and how it was heard."""
    voices = {speaker.name for speaker in teachers().speakers}
    return [one for one in _Hypotheses(ears, work).known.values() if one.voice in voices]


class _Hypotheses:
    """The file of what was heard so far, by text and voice."""

    def __init__(self, ears: Path, work: Path) -> None:
        from audio import checkpoints

        self.folder = ears
        self.path = work / f"heard-{checkpoints.find(str(ears)).hash()}.jsonl"
        self.known: dict[tuple[str, str], Heard] = {}
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                one = Heard(**json.loads(line))
                self.known[one.text, one.voice] = one

    def add(self, wanted: Iterable[tuple[str, Speaker]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        hear = _listener(self.folder)
        with self.path.open("a", encoding="utf-8") as out:
            for text, speaker in wanted:
                heard, confidence = hear(text, speaker)
                one = Heard(text, speaker.name, heard, confidence)
                self.known[text, speaker.name] = one
                row = {"text": text, "voice": one.voice, "heard": heard, "confidence": confidence}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")


def _listener(folder: Path) -> Callable[[str, Speaker], tuple[str, float]]:
    """The ears as a call has them: 8 kHz, no question asked, emotion off."""
    ears = Ears.load(folder.parent, emotion=False)
    ears.warm_up()

    def hear(text: str, speaker: Speaker) -> tuple[str, float]:
        pcm, rate = speaker.speak(text, np.random.default_rng(part(text, 2**31)))
        samples = np.asarray(pcm / 32768, np.float32)
        stream = ears.open(0, feel=False)
        ears.advance([(stream, phone(samples, rate))])
        transcript = ears.finish(stream, Expectation()).transcript
        return transcript.text, round(transcript.confidence, 3)

    return hear


def word_errors(some: Sequence[Heard]) -> float:
    """Share of words that were not heard as they were said, on plain words."""
    from agent.lab.training.ears.word_errors import edits  # its library is slow to import

    counts = edits([plain(o.text).split() for o in some], [plain(o.heard).split() for o in some])
    words = sum(one["num_ref_tokens"] for one in counts)
    return float(sum(one["num_edits"] for one in counts) / words) if words else 0.0
