"""In which ways can one encoder be made to hear a voice that is still speaking?

Each way is a generator over one utterance: it hears one more hop between two yields, the end of the
utterance with the last, and yields what it knows by then, in pieces of log probabilities (frames,
letters). Ours works out new frames alone; the others are what a server can do with transformers or
speechbrain as they come, and all of them hear old sound again.

None of these libraries keeps anything between two calls, so what to hear again is the server's to
choose, and decides both the cost and what is lost at the seams:

again        transformers' forward over everything since the utterance began
window       the same over the last 2 s; each hop keeps the frames that are new
pipeline     transformers' speech-recognition pipeline, called as its own live front end calls it
             (`ffmpeg_microphone_live`): chunks of 5 s that overlap by a sixth on either side, each
             heard anew with every hop until it is full; the overlap is context and thrown away
speechbrain  speechbrain's HuBERT lobe over everything since the utterance began
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import AutoFeatureExtractor, AutoTokenizer, pipeline
from transformers.pipelines.audio_utils import chunk_bytes_iter

from agent.lab.bench.speechbrain_hubert import open_lobe
from audio.phrase_search import Scores
from audio.speech_analyser import SpeechAnalyser
from audio.types import RATE, Expectation, Samples

Pieces = Sequence[Scores]
Way = Callable[[Samples], Iterator[Pieces]]

WINDOW_S = 2.0
CHUNK_S = 5.0  # as in the examples of transformers' live front end
OVERLAP_S = 0.8  # its default is a sixth of a chunk; here in whole frames, so that seams fit
FLOAT_BYTES = 4

recognise: Any = pipeline  # its overloads are one for each of thirty tasks


@dataclass(frozen=True, slots=True)
class Model:
    """A CTC model as transformers runs it."""

    ctc: Any  # transformers does not declare its submodules' types
    folder: Path
    normalise: bool  # does it want samples of mean 0 and variance 1?
    frame: int  # samples from one frame to the next

    @classmethod
    def of(cls, ctc: Any, folder: Path, normalise: bool) -> Model:
        return cls(ctc, folder, normalise, prod(ctc.config.conv_stride))

    @torch.inference_mode()
    def hear(self, samples: Samples) -> Scores:
        weight = next(self.ctc.parameters())
        output: Any = self.ctc(self.prepared(samples).to(weight.dtype))
        return likely(output.logits)

    def prepared(self, samples: Samples) -> Tensor:
        if self.normalise:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        return torch.from_numpy(samples)[None]


def likely(logits: Tensor) -> Scores:
    scores: Scores = F.log_softmax(logits[0].float(), -1).numpy()
    return scores


def ends(samples: int, hop: int) -> Iterator[int]:
    """Where each hop ends; the last one may be shorter."""
    yield from range(hop, samples, hop)
    yield samples


# -- ours


def streaming(ears: SpeechAnalyser, company: int = 1) -> Way:
    """`audio.speech_analyser`, by itself or with other voices in every call; all end together.
    Includes the
    search for words when the turn is over, which none of the others does."""

    def hear(utterance: Samples) -> Iterator[Pieces]:
        voices = [np.roll(utterance, i * len(utterance) // company) for i in range(company)]
        streams = [ears.open(0, infer_emotion=False) for _ in voices]
        begun = 0
        for end in ends(len(utterance), ears.hop):
            packets = [voice[begun:end] for voice in voices]
            ears.advance(list(zip(streams, packets, strict=True)))
            begun = end
            if end == len(utterance):
                list(ears.finish_all([(stream, Expectation()) for stream in streams]))
            outputs = streams[0].scores
            yield streams[0].recogniser_state.letter_scores if outputs is None else outputs[:1]

    return hear


# -- transformers


def again(model: Model, hop: int) -> Way:
    def hear(utterance: Samples) -> Iterator[Pieces]:
        for end in ends(len(utterance), hop):
            yield [model.hear(utterance[:end])]

    return hear


def window(model: Model, hop: int) -> Way:
    def hear(utterance: Samples) -> Iterator[Pieces]:
        kept: list[Scores] = []
        known = 0  # frames
        for end in ends(len(utterance), hop):
            first = max(0, end - int(WINDOW_S * RATE)) // model.frame
            frames = model.hear(utterance[first * model.frame : end])
            kept.append(frames[max(0, known - first) :])
            known = first + len(frames)
            yield kept

    return hear


def in_pipeline(model: Model, hop: int) -> Way:
    front: Any = AutoFeatureExtractor
    transcribe = recognise(
        "automatic-speech-recognition",
        model=model.ctc,
        tokenizer=AutoTokenizer.from_pretrained(model.folder, local_files_only=True),
        feature_extractor=front.from_pretrained(model.folder, local_files_only=True),
    )
    overlap = int(OVERLAP_S * RATE) * FLOAT_BYTES

    def hear(utterance: Samples) -> Iterator[Pieces]:
        kept: list[Scores] = []
        fed = 0  # samples

        def packets() -> Iterator[bytes]:
            nonlocal fed
            for end in ends(len(utterance), hop):
                packet, fed = utterance[fed:end], end
                yield packet.tobytes()

        size = int(CHUNK_S * RATE) * FLOAT_BYTES
        with _overhearing(model.ctc) as logits:
            for chunk in chunk_bytes_iter(packets(), size, (overlap, overlap), stream=True):
                if chunk["partial"] and fed == len(utterance):
                    continue  # the same sound comes once more, as the last chunk
                sound = np.frombuffer(chunk["raw"], np.float32)
                left, right = (side // FLOAT_BYTES for side in chunk["stride"])
                transcribe({"raw": sound, "stride": (left, right), "sampling_rate": RATE})
                until = round(len(sound) / model.frame) - right // model.frame
                part = likely(logits[-1])[left // model.frame : until]
                if not chunk["partial"]:
                    kept.append(part)
                yield [*kept, part] if chunk["partial"] else kept

    return hear


@contextmanager
def _overhearing(ctc: nn.Module) -> Iterator[deque[Tensor]]:
    """The logits of the newest call, which a pipeline turns into text and throws away."""
    newest: deque[Tensor] = deque(maxlen=1)

    def note(module: nn.Module, given: Any, output: Any) -> None:
        newest.append(output.logits)

    hook = ctc.register_forward_hook(note)
    try:
        yield newest
    finally:
        hook.remove()


# -- speechbrain


def in_lobe(model: Model, hop: int) -> Way:
    lobe = open_lobe(model.folder)

    @torch.inference_mode()
    def heard(samples: Samples) -> Scores:
        frames = lobe(torch.from_numpy(samples)[None])
        return likely(model.ctc.lm_head(frames))

    def hear(utterance: Samples) -> Iterator[Pieces]:
        for end in ends(len(utterance), hop):
            yield [heard(utterance[:end])]

    return hear
