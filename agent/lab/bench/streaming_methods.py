"""Methods to transcribe a voice that is still speaking, with the same encoder weights.

Each method is a generator over one utterance: between two yields it processes one more hop, with
the last one the end of the utterance, and yields the log probabilities known so far, in pieces
(frames, letters). Ours computes new frames only; the others are what a server can do with
transformers or speechbrain out of the box, and all of them encode old audio again.

These libraries keep no state between calls, so the caller chooses how much audio to encode again,
which decides both the cost and the loss at the seams:

again        transformers' forward over everything since the utterance began
window       the same over the last 2 s; each hop adds the new frames
pipeline     transformers' speech-recognition pipeline, called as its own live front end calls it
             (`ffmpeg_microphone_live`): chunks of 5 s that overlap by a sixth on either side, each
             encoded again with every hop until it is full; the overlap is discarded context
speechbrain  speechbrain's HuBERT module over everything since the utterance began
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

from agent.lab.bench.speechbrain_hubert import load_speechbrain_hubert
from audio.phrase_search import Scores
from audio.speech_analyser import SpeechAnalyser
from audio.types import RATE, Expectation, Samples

ScorePieces = Sequence[Scores]
StreamingMethod = Callable[[Samples], Iterator[ScorePieces]]

WINDOW_S = 2.0
CHUNK_S = 5.0  # as in the examples of transformers' live front end
OVERLAP_S = 0.8  # the default is a sixth of a chunk; here whole frames, so that seams fit
FLOAT_BYTES = 4

transformers_pipeline: Any = pipeline  # untyped: it has an overload for each of thirty tasks


@dataclass(frozen=True, slots=True)
class CtcModel:
    """A CTC model as transformers runs it."""

    ctc: Any  # transformers does not declare its submodules' types
    folder: Path
    normalise: bool  # whether it expects samples of mean 0 and variance 1
    frame_samples: int  # samples from one frame to the next

    @classmethod
    def from_ctc(cls, ctc: Any, folder: Path, normalise: bool) -> CtcModel:
        return cls(ctc, folder, normalise, prod(ctc.config.conv_stride))

    @torch.inference_mode()
    def log_probabilities(self, samples: Samples) -> Scores:
        weight = next(self.ctc.parameters())
        output: Any = self.ctc(self.input_values(samples).to(weight.dtype))
        return frame_log_probabilities(output.logits)

    def input_values(self, samples: Samples) -> Tensor:
        if self.normalise:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        return torch.from_numpy(samples)[None]


def frame_log_probabilities(logits: Tensor) -> Scores:
    scores: Scores = F.log_softmax(logits[0].float(), -1).numpy()
    return scores


def hop_ends(samples: int, hop: int) -> Iterator[int]:
    """Where each hop ends; the last one may be shorter."""
    yield from range(hop, samples, hop)
    yield samples


# -- ours


def streaming_method(analyser: SpeechAnalyser, concurrent: int = 1) -> StreamingMethod:
    """Hearken's `SpeechAnalyser`, for one voice or `concurrent` voices in every call; all end
    together. Includes the search for words at the end, which none of the others does."""

    def run(utterance: Samples) -> Iterator[ScorePieces]:
        voices = [np.roll(utterance, i * len(utterance) // concurrent) for i in range(concurrent)]
        streams = [analyser.open(0, infer_emotion=False) for _ in voices]
        begun = 0
        for end in hop_ends(len(utterance), analyser.hop):
            packets = [voice[begun:end] for voice in voices]
            analyser.advance(list(zip(streams, packets, strict=True)))
            begun = end
            if end == len(utterance):
                list(analyser.finish_all([(stream, Expectation()) for stream in streams]))
            outputs = streams[0].scores
            yield streams[0].recogniser_state.letter_scores if outputs is None else outputs[:1]

    return run


# -- transformers


def whole_again_method(model: CtcModel, hop: int) -> StreamingMethod:
    def run(utterance: Samples) -> Iterator[ScorePieces]:
        for end in hop_ends(len(utterance), hop):
            yield [model.log_probabilities(utterance[:end])]

    return run


def window_method(model: CtcModel, hop: int) -> StreamingMethod:
    def run(utterance: Samples) -> Iterator[ScorePieces]:
        pieces: list[Scores] = []
        known_frames = 0  # frames
        for end in hop_ends(len(utterance), hop):
            first = max(0, end - int(WINDOW_S * RATE)) // model.frame_samples
            frames = model.log_probabilities(utterance[first * model.frame_samples : end])
            pieces.append(frames[max(0, known_frames - first) :])
            known_frames = first + len(frames)
            yield pieces

    return run


def pipeline_method(model: CtcModel, hop: int) -> StreamingMethod:
    feature_extractor: Any = AutoFeatureExtractor
    transcribe = transformers_pipeline(
        "automatic-speech-recognition",
        model=model.ctc,
        tokenizer=AutoTokenizer.from_pretrained(model.folder, local_files_only=True),
        feature_extractor=feature_extractor.from_pretrained(model.folder, local_files_only=True),
    )
    overlap = int(OVERLAP_S * RATE) * FLOAT_BYTES

    def run(utterance: Samples) -> Iterator[ScorePieces]:
        kept: list[Scores] = []
        fed = 0  # samples

        def packets() -> Iterator[bytes]:
            nonlocal fed
            for end in hop_ends(len(utterance), hop):
                packet, fed = utterance[fed:end], end
                yield packet.tobytes()

        size = int(CHUNK_S * RATE) * FLOAT_BYTES
        with _captured_logits(model.ctc) as logits:
            for chunk in chunk_bytes_iter(packets(), size, (overlap, overlap), stream=True):
                if chunk["partial"] and fed == len(utterance):
                    continue  # the same audio is given once more, as the last chunk
                sound = np.frombuffer(chunk["raw"], np.float32)
                left, right = (side // FLOAT_BYTES for side in chunk["stride"])
                transcribe({"raw": sound, "stride": (left, right), "sampling_rate": RATE})
                until = round(len(sound) / model.frame_samples) - right // model.frame_samples
                part = frame_log_probabilities(logits[-1])[left // model.frame_samples : until]
                if not chunk["partial"]:
                    kept.append(part)
                yield [*kept, part] if chunk["partial"] else kept

    return run


@contextmanager
def _captured_logits(ctc: nn.Module) -> Iterator[deque[Tensor]]:
    """The logits of the latest call, which a pipeline turns into text and discards."""
    newest: deque[Tensor] = deque(maxlen=1)

    def keep_logits(module: nn.Module, given: Any, output: Any) -> None:
        newest.append(output.logits)

    hook = ctc.register_forward_hook(keep_logits)
    try:
        yield newest
    finally:
        hook.remove()


# -- speechbrain


def speechbrain_method(model: CtcModel, hop: int) -> StreamingMethod:
    hubert = load_speechbrain_hubert(model.folder)

    @torch.inference_mode()
    def log_probabilities(samples: Samples) -> Scores:
        frames = hubert(torch.from_numpy(samples)[None])
        return frame_log_probabilities(model.ctc.lm_head(frames))

    def run(utterance: Samples) -> Iterator[ScorePieces]:
        for end in hop_ends(len(utterance), hop):
            yield [log_probabilities(utterance[:end])]

    return run
