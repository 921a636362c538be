"""What do the voice-activity network and the ears make of each recording?

The slow part, done once: what was heard is kept in the work folder, by the hash of the sound and of
the ears, so that a second run sweeps at once and new ears hear everything anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from pydantic import TypeAdapter

from agent.lab.training.turns.labelled_turns import Labelled
from agent.lab.training.turns.pause_tracks import Track, endless, track
from audio.text_endpointing import Endings
from audio.turns import TurnAudio, TurnDetector, hops
from audio.types import VOICE_HOP, Samples
from audio.vad import VoiceActivity

if TYPE_CHECKING:  # it brings torch, and only words need it
    from audio.speech_analyser import Ears

SETTLED = hops(1.2)  # hops after the last voice; then the ears are asked no more

T = TypeVar("T")
_SPEECH = TypeAdapter(list[float])
_WORDS = TypeAdapter(list[tuple[int, str]])


class Kept(Generic[T]):
    """Answers by key, a JSON line each, written as they come: a kill loses one of them."""

    def __init__(self, file: Path, shape: TypeAdapter[T]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file, self._found = file, dict[str, T]()
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
            try:
                key, value = json.loads(line)
            except ValueError:  # the one that was lost
                continue
            self._found[key] = shape.validate_python(value)

    def get(self, key: str, make: Callable[[], T]) -> T:
        if key not in self._found:
            self._found[key] = make()
            with self.file.open("a", encoding="utf-8") as out:
                out.write("\n" + json.dumps([key, self._found[key]]))
        return self._found[key]


def tracks(
    turns: Iterable[Labelled],
    vad: VoiceActivity,
    ears: Ears | None,
    endings: Endings,
    work: Path,
) -> Iterator[Track | None]:
    """Each turn's pauses, or None where nothing can be measured. Without ears, without words."""
    speech = Kept(work / "speech.jsonl", _SPEECH)
    words = Kept(work / f"words-{ears.models['words'].sha256}.jsonl", _WORDS) if ears else None
    for turn in turns:
        key, samples = turn.sha256, turn.samples
        voice = speech.get(key, partial(_voice, vad, samples))
        heard = words.get(key, partial(read, ears, samples, voice)) if words and ears else []
        yield track(turn, voice, heard, endings)


def read(ears: Ears, samples: Samples, speech: Sequence[float]) -> list[tuple[int, str]]:
    """The partial texts as they come while a customer speaks: (hops heard by then, text)."""
    detector, stream, text = TurnDetector(endless(Endings())), None, ""
    waiting = np.zeros(0, np.float32)
    partials: list[tuple[int, str]] = []
    for index, probability in enumerate(speech):
        hop = samples[index * VOICE_HOP : (index + 1) * VOICE_HOP]
        for event in detector.push(hop, [probability]):
            if isinstance(event, TurnAudio):
                waiting = np.concatenate([waiting, event.samples])
        if len(waiting) < ears.hop or detector.pause.quiet > SETTLED:
            continue
        stream = stream or ears.open(0, feel=False)
        (now,) = ears.advance([(stream, waiting)])
        waiting = np.zeros(0, np.float32)
        if now != text:
            text = now
            partials.append((index + 1, text))
    return partials


def _voice(vad: VoiceActivity, samples: Samples) -> list[float]:
    _, probabilities = vad.probabilities(vad.open(), samples)
    return [float(p) for p in probabilities]
