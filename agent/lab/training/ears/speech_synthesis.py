"""Synthetic voices that speak the training phrases which no recording contains.

For training alone: espeak-ng comes with the project; flite and festival join where their Debian
packages are installed (flite, festival, festvox-kallpc16k, festvox-kdlpc16k, festvox-us-slt-hts).
The latter are built from recorded people and help more. Without their programs there are fewer
voices.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]

from agent.lab.training.ears.augmentation import resample
from agent.lab.training.ears.corpus import Utterance
from audio.codecs import Pcm16, to_pcm16
from audio.speak import TtsVoice
from audio.types import RATE

SynthesisFunction = Callable[[str, np.random.Generator], tuple[Pcm16, int]]  # text -> samples, rate


@dataclass(frozen=True, slots=True)
class SyntheticVoice:
    """A named synthesiser voice."""

    name: str
    speak: SynthesisFunction


ESPEAK_ACCENTS = ("en-us", "en", "en-us", "en-gb-x-rp", "en-gb-scotland")
ESPEAK_VARIANTS = [
    "m1",
    "m2",
    "m3",
    "m4",
    "m7",
    "adam",
    "f1",
    "f2",
    "f3",
    "f4",
    "f5",
    "linda",
    "steph",
]
FLITE_VOICES = ("kal16", "awb", "rms", "slt")
FESTIVAL_VOICES = ("kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts")


def espeak_voices() -> list[SyntheticVoice]:
    return [
        espeak_voice(f"{accent}+{variant}")
        for accent in ESPEAK_ACCENTS
        for variant in ESPEAK_VARIANTS
    ]


def recorded_voices() -> list[SyntheticVoice]:
    """The flite and festival voices that are installed."""
    found = [_flite_voice(voice) for voice in FLITE_VOICES] if shutil.which("flite") else []
    if shutil.which("text2wave"):
        installed = subprocess.run(
            ["festival", "-b", "(print (voice.list))"], capture_output=True, text=True, check=True
        ).stdout
        found += [_festival_voice(voice) for voice in FESTIVAL_VOICES if voice in installed]
    return found


def synthesise(
    source: str, texts: Sequence[str], voices: Sequence[SyntheticVoice], seed: int
) -> Iterator[tuple[Utterance, Pcm16]]:
    """Each text spoken by a random voice: a training utterance of `source` and its samples."""
    random = np.random.default_rng(seed)
    for index, text in enumerate(texts):
        voice = voices[int(random.integers(len(voices)))]
        samples, rate = voice.speak(text, random)
        name = f"{source}_{voice.name}"
        seconds = len(samples) / rate
        yield Utterance(source, str(index), name, "train", text, rate, seconds), samples


def espeak_voice(language: str) -> SyntheticVoice:
    """The espeak-ng voice with this name: accent, plus sign, variant."""

    def speak(text: str, random: np.random.Generator) -> tuple[Pcm16, int]:
        samples = TtsVoice(language, int(random.integers(120, 230))).synthesise(text, RATE)
        return to_pcm16(samples), RATE

    return SyntheticVoice(language, speak)


def _flite_voice(voice: str) -> SyntheticVoice:
    def speak(text: str, random: np.random.Generator) -> tuple[Pcm16, int]:
        pace = f"duration_stretch={random.uniform(0.85, 1.2):.2f}"
        with tempfile.NamedTemporaryFile(suffix=".wav") as out:
            command = ["flite", "-voice", voice, "--setf", pace, "-t", text, "-o", out.name]
            subprocess.run(command, check=True, capture_output=True)
            return _read_wav(Path(out.name).read_bytes())

    return SyntheticVoice(voice, speak)


def _festival_voice(voice: str) -> SyntheticVoice:
    def speak(text: str, random: np.random.Generator) -> tuple[Pcm16, int]:
        pace = f"(Parameter.set 'Duration_Stretch {random.uniform(0.85, 1.2):.2f})"
        with tempfile.NamedTemporaryFile(suffix=".wav") as out:
            command = ["text2wave", "-eval", f"(voice_{voice})", "-eval", pace, "-o", out.name]
            subprocess.run(command, input=text, text=True, check=True, capture_output=True)
            return _read_wav(Path(out.name).read_bytes())

    return SyntheticVoice(voice, speak)


def _read_wav(wav: bytes) -> tuple[Pcm16, int]:
    """(samples, RATE) of a synthesiser's file; festival's HTS voice, for one, writes 32 kHz."""
    samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
    if rate != RATE:
        samples, rate = resample(samples, rate, RATE), RATE
    return to_pcm16(samples), rate
