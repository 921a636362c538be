"""What do the ears know about a turn, while it lasts and when it is over?

The composition that the engine calls from its inference thread: one encoder pass for words and
feelings, prosody, what is usual for this caller, and the question that was asked. Not thread-safe:
one thread calls, and streams are independent of each other and of who shares a call
(tests/audio/test_ears.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from audio import checkpoints
from audio.beam_search import CALIBRATION, Lexicon
from audio.beam_search import there as lexicon_in
from audio.checkpoints import Checkpoint
from audio.emotion import UNKNOWN, EmotionHead, Feeling, cues, feeling_of, known_as, load_head
from audio.encoder import frames_in
from audio.hub import CheckpointError, sha256
from audio.incremental import AHEAD, BOUNDED, Incremental
from audio.inference_layers import best_dtype
from audio.phones import PhoneAlphabet
from audio.phrase_search import Alphabet
from audio.prosody import Tones, tones
from audio.recognisers import Hearing, Listener, Outputs, Streamed, Windowed
from audio.seq2seq_transcriber import Writer
from audio.speaker_normalisation import Caller
from audio.transcriber import Transcriber, read_curves
from audio.types import (
    FRAME,
    RATE,
    AcousticCues,
    Expectation,
    Precision,
    Samples,
    Spoken,
    Transcript,
)

SURE = RATE // 10  # samples after the last voiced hop that may still be voice
Feel = Callable[["Stream", Tones], Feeling]


@dataclass(frozen=True, slots=True)
class Model:
    """What a user may want to know about a model in use."""

    name: str
    where: str  # folder or hub name
    sha256: str  # its first twelve figures
    licence: str
    streaming: str  # "exact", "bounded", "windowed" or "no"


@dataclass(slots=True)
class Stream:
    """One turn of one leg, from `start`, the position of its first sample."""

    start: int
    feel: bool
    hearing: Hearing
    caller: Caller
    samples: list[Samples] = field(default_factory=list)
    outputs: Outputs | None = None  # once it is finished

    def end(self, spoke_until: int) -> None:
        """The voice stopped at this position: the encoder need not hear all of the silence."""
        self.hearing.until = spoke_until + SURE - self.start

    def heard(self) -> Samples:
        return np.concatenate([np.zeros(0, np.float32), *self.samples])


class Ears:
    """Everything the ears need, loaded. Build with `Ears.load`."""

    def __init__(
        self,
        listener: Listener,
        transcriber: Transcriber,
        feeling: Feel | None,
        models: Mapping[str, Model],
        writer: Writer | None = None,
    ) -> None:
        self.models = models
        self.hop, self.ahead = listener.hop, listener.ahead
        self._writer = writer
        self.listener = listener
        self._transcriber = transcriber
        self._feeling = feeling
        self._names = {role: model.name for role, model in models.items()}

    @classmethod
    def load(
        cls,
        weights: Path,
        checkpoint: str | None = None,
        emotion: bool = True,
        emotion_checkpoint: str | None = None,
        writer_checkpoint: str | None = None,
        writer_s: float = 2.5,
        download: bool = False,
        precision: Precision = "auto",
    ) -> Ears:
        """`weights` holds the embedded `ears` and `emotion`; a checkpoint, by folder or hub name,
        takes the place of one of them. A writer comes beside them, and may take `writer_s` a turn.
        `precision` is what the encoder multiplies in; auto: what is fastest on this machine.
        CheckpointError for one that is not here or cannot do what it is named for."""
        own = (
            emotion
            and emotion_checkpoint is None
            and (weights / "emotion" / "model.safetensors").exists()
        )
        head = load_head(weights / "emotion") if own else None
        words = checkpoints.find(checkpoint or str(weights / "ears"), download)
        # The head knows the layers of the encoder it was trained on and of no other.
        together = checkpoint is None and head is not None
        dtype = best_dtype() if precision == "auto" else getattr(torch, precision)
        listener, transcriber = _listener(words, head if together else None, dtype)
        models = {"words": _described(words, listener.streaming)}
        feeling: Feel | None = None
        if emotion and emotion_checkpoint is not None:
            felt = checkpoints.find(emotion_checkpoint, download)
            feeling = _by_classifier(felt)
            models["emotion"] = _described(felt, "windowed")
        elif head is not None:
            feeling = _by_head(head) if together else _by_embedded(head, weights / "ears")
            models["emotion"] = _of_head(weights / "emotion", "exact" if together else "windowed")
        writer: Writer | None = None
        if writer_checkpoint is not None:
            writes = checkpoints.find(writer_checkpoint, download)
            writer = Writer.open(writes, writer_s)
            models["whole_turns"] = _described(writes, "no")
        return cls(listener, transcriber, feeling, models, writer)

    def open(self, start: int, feel: bool, caller: Caller | None = None) -> Stream:
        """`feel`: may emotion be inferred on this leg, by role and by consent? `caller` is what
        earlier turns of the same person taught; a new one compares the turn with itself."""
        felt = feel and self._feeling is not None
        return Stream(start, feel, self.listener.open(felt), caller or Caller())

    def advance(self, packets: Sequence[tuple[Stream, Samples]]) -> list[str]:
        """The reading so far of each stream. A stream comes once in a call."""
        for stream, samples in packets:
            stream.samples.append(samples)
        self.listener.advance([(stream.hearing, samples) for stream, samples in packets])
        return [stream.hearing.text for stream, _ in packets]

    def finish(self, stream: Stream, expect: Expectation) -> Spoken:
        """The turn is over and so is the stream."""
        return next(self.finish_all([(stream, expect)]))

    def finish_all(
        self, turns: Sequence[tuple[Stream, Expectation]], cues: bool = True
    ) -> Iterator[Spoken]:
        """Turns that are over at the same time; their last chunks are encoded together, at the
        first. Without `cues` no stream is felt, whatever it was opened for."""
        outputs = self.listener.finish([stream.hearing for stream, _ in turns])
        for (stream, _), heard in zip(turns, outputs, strict=True):
            stream.outputs = heard
        for stream, expect in turns:
            yield self._spoken(stream, expect, cues and stream.feel)

    def read(self, stream: Stream, expect: Expectation) -> Transcript:
        """What a finished stream says if this is what was asked."""
        assert stream.outputs is not None, "the stream is still open"
        likely, phones = stream.outputs
        return self._transcriber.decide(likely, stream.start, expect, phones)

    def close(self, stream: Stream) -> None:
        """The stream is over and nobody wants to know what it said."""
        self.listener.close(stream.hearing)

    def _spoken(self, stream: Stream, expect: Expectation, feel: bool) -> Spoken:
        transcript, names = self.read(stream, expect), self._names
        if self._writer is not None:
            heard = transcript
            transcript = self._writer.better(heard, expect, stream.heard(), stream.start)
            if transcript is heard:
                names = {role: name for role, name in names.items() if role != "whole_turns"}
        return Spoken(transcript, self._cues(stream) if feel else None, names)

    def warm_up(self) -> None:
        """Once through everything, so that the first caller does not pay for it."""
        stream = self.open(0, feel=True)
        noise = np.random.default_rng(0).standard_normal(RATE, np.float32) * np.float32(0.01)
        self.advance([(stream, noise)])
        self.finish(stream, Expectation())
        if self._writer is not None:  # which noise alone would not be given to
            self._writer.write(noise, 0)

    def _cues(self, stream: Stream) -> AcousticCues:
        heard = stream.heard()
        measured = tones(heard, None)
        feeling = self._feeling(stream, measured) if self._feeling else UNKNOWN
        return cues(feeling, measured.prosody, len(heard) / RATE)


def _listener(
    found: Checkpoint, head: EmotionHead | None, dtype: torch.dtype
) -> tuple[Listener, Transcriber]:
    folder = found.folder
    if found.streams:
        encoder, letters_head, alphabet = checkpoints.streaming(found)
        phones = checkpoints.phone_head(found)
        transcriber = _transcriber(alphabet, folder, FRAME, phones is not None)
        mix = head.mixer() if head else None
        steps = Incremental(encoder.hubert, encoder.reach, dtype=dtype, mix=mix)
        return Streamed(steps, letters_head, transcriber, phones), transcriber
    if found.steps:
        model, letters, alphabet, normalise = checkpoints.stepping(found)
        transcriber = _transcriber(alphabet, folder, FRAME)
        steps = Incremental(model, BOUNDED, ahead=AHEAD, normalise=normalise, dtype=dtype)
        return Streamed(steps, letters, transcriber), transcriber
    whole, alphabet, normalise = checkpoints.spelling(found)
    stride = int(np.prod(found.config.conv_stride))
    transcriber = _transcriber(alphabet, folder, stride)
    return Windowed(whole, normalise, transcriber), transcriber


def _transcriber(
    alphabet: Alphabet, folder: Path, frame: int, by_phones: bool = False
) -> Transcriber:
    phones = PhoneAlphabet() if by_phones else None
    lexicon = Lexicon(folder, phones or alphabet) if lexicon_in(folder) else None
    return Transcriber(alphabet, read_curves(folder / CALIBRATION), lexicon, frame, phones)


def _by_head(head: EmotionHead) -> Feel:
    def feel(stream: Stream, measured: Tones) -> Feeling:
        blended = stream.hearing.blended
        return head.feel(torch.cat(blended), measured, stream.caller) if blended else UNKNOWN

    return feel


def _by_embedded(head: EmotionHead, folder: Path) -> Feel:
    """The embedded encoder, run for feelings alone, while another checkpoint hears the words."""
    encoder, _, _ = checkpoints.streaming(checkpoints.find(str(folder)))

    @torch.inference_mode()
    def feel(stream: Stream, measured: Tones) -> Feeling:
        heard = stream.heard()
        if not frames_in(len(heard)):
            return UNKNOWN
        layers = encoder(torch.from_numpy(heard)[None])[:-1]
        return head.feel(head.blend(torch.stack(layers, 1)[0]), measured, stream.caller)

    return feel


def _by_classifier(found: Checkpoint) -> Feel:
    model, labels, normalise = checkpoints.classifying(found)
    if not any(known_as(label) for label in labels.values()):
        told = ", ".join(list(labels.values())[:4])
        why = f"{found.name!r} tells {told} apart, which are no feelings known here"
        raise CheckpointError(f"{why}; if they are some, name them as id2label in its config.json")

    @torch.inference_mode()
    def feel(stream: Stream, measured: Tones) -> Feeling:
        heard = stream.heard()
        if not frames_in(len(heard)):
            return UNKNOWN
        if len(heard) < RATE // 10:  # shorter than the convolutions' sight
            heard = np.pad(heard, (0, RATE // 10 - len(heard)))
        if normalise:
            heard = (heard - heard.mean()) / np.sqrt(heard.var() + 1e-7)
        logits = model(torch.from_numpy(heard)[None]).logits[0]
        return feeling_of(labels, logits.softmax(-1).tolist())

    return feel


def _of_head(folder: Path, streaming: str) -> Model:
    told = json.loads((folder / "config.json").read_text())
    digest = sha256(folder / "model.safetensors")
    return Model(told["title"], str(folder), digest, told["licence"], streaming)


def _described(found: Checkpoint, streaming: str) -> Model:
    name = str(getattr(found.config, "title", found.name))
    return Model(name, found.name, found.hash(), found.licence, streaming)
