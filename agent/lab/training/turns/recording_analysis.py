"""Voice activity and partial texts of each recording, cached, and the pause tracks made of them.

The slow part runs once: its results are kept in the work folder by the hashes of the samples and
of the checkpoint, so that a second run sweeps at once and a new checkpoint analyses all again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from pydantic import TypeAdapter

from agent.lab.json_lines import JsonLinesCache
from agent.lab.training.turns.labelled_turns import LabelledTurn
from agent.lab.training.turns.pause_tracks import PauseTrack, endless_rules, pause_track
from audio.text_endpointing import TurnEndings
from audio.turns import TurnAudio, TurnDetector, hop_count
from audio.types import VOICE_HOP, Samples
from audio.vad import VoiceActivityDetector

if TYPE_CHECKING:  # imports torch, which only words need
    from audio.speech_analyser import SpeechAnalyser

SETTLED_HOPS = hop_count(1.2)  # after the last voice; later audio is not transcribed

T = TypeVar("T")
_SPEECH = TypeAdapter(list[float])
_WORDS = TypeAdapter(list[tuple[int, str]])


def _cache(file: Path, adapter: TypeAdapter[T]) -> JsonLinesCache[str, T]:
    """Results by key; a line is [key, result]."""
    return JsonLinesCache(
        file, lambda row: (row[0], adapter.validate_python(row[1])), lambda key, value: [key, value]
    )


def pause_tracks(
    turns: Iterable[LabelledTurn],
    vad: VoiceActivityDetector,
    analyser: SpeechAnalyser | None,
    endings: TurnEndings,
    work: Path,
) -> Iterator[PauseTrack | None]:
    """Each turn's track, or None where it has no pause. Without `analyser` no words are known."""
    speech = _cache(work / "speech.jsonl", _SPEECH)
    words = (
        _cache(work / f"words-{analyser.models['words'].sha256}.jsonl", _WORDS)
        if analyser
        else None
    )
    for turn in turns:
        key, samples = turn.sha256, turn.samples
        voice = speech.get_or_compute(key, partial(_voice_probabilities, vad, samples))
        partials = (
            words.get_or_compute(key, partial(partial_texts, analyser, samples, voice))
            if words and analyser
            else []
        )
        yield pause_track(turn, voice, partials, endings)


def partial_texts(
    analyser: SpeechAnalyser, samples: Samples, voice_probabilities: Sequence[float]
) -> list[tuple[int, str]]:
    """The partial texts of a turn as they change: (hops received by then, text)."""
    detector, stream, text = TurnDetector(endless_rules(TurnEndings())), None, ""
    waiting = np.zeros(0, np.float32)
    partials: list[tuple[int, str]] = []
    for index, probability in enumerate(voice_probabilities):
        hop = samples[index * VOICE_HOP : (index + 1) * VOICE_HOP]
        for event in detector.push(hop, [probability]):
            if isinstance(event, TurnAudio):
                waiting = np.concatenate([waiting, event.samples])
        if len(waiting) < analyser.hop or detector.pause.silent_hops > SETTLED_HOPS:
            continue
        stream = stream or analyser.open(0, infer_emotion=False)
        (now,) = analyser.advance([(stream, waiting)])
        waiting = np.zeros(0, np.float32)
        if now != text:
            text = now
            partials.append((index + 1, text))
    return partials


def _voice_probabilities(vad: VoiceActivityDetector, samples: Samples) -> list[float]:
    _, probabilities = vad.speech_probabilities(vad.open(), samples)
    return [float(p) for p in probabilities]
