"""Comparison of methods to transcribe a live voice, on the same audio, weights and machine.

All methods alternate within one run, so that other load on the machine affects all of them. Times
are CPU time of one thread, except `end_s`, which is the wall-clock time a caller would wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from agent.lab.bench import BenchError
from agent.lab.bench.machine import Machine, this_machine
from agent.lab.bench.roofline import Roofline
from agent.lab.bench.roofline import measure_roofline as floor_of
from agent.lab.bench.streaming_methods import (
    CtcModel,
    StreamingMethod,
    frame_log_probabilities,
    hop_ends,
    pipeline_method,
    speechbrain_method,
    streaming_method,
    whole_again_method,
    window_method,
)
from agent.lab.evaluation.contenders import single_torch_thread
from audio import checkpoints
from audio.checkpoints import Checkpoint
from audio.encoder import ChunkedEncoder
from audio.incremental import IncrementalEncoder
from audio.inference_layers import best_dtype
from audio.phrase_search import Scores
from audio.recognisers import IncrementalRecogniser
from audio.speech_analyser import SpeechAnalyser
from audio.types import FRAME, RATE, Precision, Samples

CONCURRENT_VOICES = 16
UTTERANCE_SECONDS = (2.0, 5.0)  # measured in addition to the whole utterance
MIN_SPEEDUP = 20.0

OUR_METHODS = ("streaming", "company", "streaming-fp32")
OTHER_METHODS = ("again", "again-bf16", "window", "pipeline", "speechbrain")
METHOD_NAMES = (*OUR_METHODS, *OTHER_METHODS)

TrackProgress = Callable[[Sequence[str]], Iterable[str]]  # yields its items and shows the progress


@dataclass(frozen=True, slots=True)
class MethodCost:
    """The cost of transcribing an utterance of `seconds` with one method."""

    seconds: float
    cpu: float  # CPU seconds per second of audio and stream
    step_cpu_s: float  # CPU per stream of the last hop that gave text
    end_s: float  # wall-clock time from the last packet to the last letters


@dataclass(frozen=True, slots=True)
class MethodResult:
    name: str
    text_s: float  # seconds between partial texts
    streams: int
    dtype: str
    costs: tuple[MethodCost, ...]  # by length
    largest: float  # difference of any log probability from the offline result
    same: float  # share of frames with the same likeliest letter as the offline result


@dataclass(frozen=True, slots=True)
class EncoderComparison:
    machine: Machine
    streams_exactly: bool
    repeat: int
    results: tuple[MethodResult, ...]
    roofline: Roofline | None

    def find_result(self, name: str) -> MethodResult | None:
        return next((row for row in self.results if row.name == name), None)

    def cpu_ratio(self, result: MethodResult, baseline: str = "streaming") -> float | None:
        """CPU time relative to the method `baseline`, for the longest utterance."""
        ours = self.find_result(baseline)
        return None if ours is None else result.costs[-1].cpu / ours.costs[-1].cpu


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    method: StreamingMethod
    hop_samples: int  # samples in a packet
    text_samples: int  # samples between partial texts
    streams: int
    dtype: str
    offline_scores: Scores  # of the whole utterance at once, with the method's own attention mask


def compare_encoders(
    weights: Path,
    checkpoint: str | None,
    utterance: Samples,
    hop: int,
    repeat: int,
    names: Sequence[str],
    track: TrackProgress,
) -> EncoderComparison:
    """`checkpoint`, a folder or hub name, replaces the embedded encoder in the folder `weights`.

    BenchError for an unknown method name."""
    if unknown := [name for name in names if name not in METHOD_NAMES]:
        raise BenchError(f"there is no way {unknown[0]!r}; there are {', '.join(METHOD_NAMES)}")
    with single_torch_thread():
        found = checkpoints.find(checkpoint or str(weights / "ears"))
        spelling, _, normalise = checkpoints.open_ctc_model(found)
        stock = CtcModel.from_ctc(spelling.model, found.folder, normalise)
        offline_scores = _offline_scores(found, spelling, stock, utterance)
        candidates, floor = list[_Candidate](), None
        for name in names:
            if name in OUR_METHODS:
                precision: Precision = "float32" if name == "streaming-fp32" else "auto"
                ears = SpeechAnalyser.load(
                    weights, checkpoint, infer_emotion=False, precision=precision
                )
                candidates.append(_our_candidate(name, ears, offline_scores))
                if name == "company" and (encoder := _incremental_encoder(ears)):
                    floor = floor_of(encoder, found.config, CONCURRENT_VOICES)
            else:
                candidates.append(_other_candidate(name, stock, utterance, hop))
        rows = _run_candidates(candidates, utterance, repeat, track)
    return EncoderComparison(this_machine(), found.is_streamable, repeat, rows, floor)


def default_methods() -> list[str]:
    """All method names, less the ones that only repeat another where bfloat16 is not used."""
    half = best_dtype() == torch.bfloat16
    return [name for name in METHOD_NAMES if half or name not in ("streaming-fp32", "again-bf16")]


def _our_candidate(name: str, analyser: SpeechAnalyser, offline_scores: Scores) -> _Candidate:
    voices = CONCURRENT_VOICES if name == "company" else 1
    encoder = _incremental_encoder(analyser)
    dtype = encoder.dtype if encoder else torch.float32
    text = encoder.window.chunk * FRAME if encoder else analyser.hop
    return _Candidate(
        name,
        streaming_method(analyser, voices),
        analyser.hop,
        text,
        voices,
        _dtype_name(dtype),
        offline_scores,
    )


def _other_candidate(name: str, stock: CtcModel, utterance: Samples, hop: int) -> _Candidate:
    makers = {
        "window": window_method,
        "pipeline": pipeline_method,
        "speechbrain": speechbrain_method,
    }
    half = name == "again-bf16"
    model = replace(stock, ctc=deepcopy(stock.ctc).bfloat16()) if half else stock
    try:
        way = makers.get(name, whole_again_method)(model, hop)
    except (OSError, ValueError) as problem:
        first = str(problem).strip().partition("\n")[0]
        raise BenchError(f"{name} cannot open {stock.folder}: {first}") from problem
    dtype = _dtype_name(torch.bfloat16 if half else torch.float32)
    return _Candidate(name, way, hop, hop, 1, dtype, stock.log_probabilities(utterance))


@torch.inference_mode()
def _offline_scores(
    checkpoint: Checkpoint, spelling: Any, stock: CtcModel, utterance: Samples
) -> Scores:
    """Our own offline result: with the attention mask that the checkpoint was trained to stream
    with, which transformers does not support; for other checkpoints, transformers' forward."""
    if not checkpoint.is_streamable:
        return frame_log_probabilities(spelling(stock.input_values(utterance)).logits)
    last = ChunkedEncoder(stock.ctc.hubert)(torch.from_numpy(utterance)[None])[-1]
    return frame_log_probabilities(stock.ctc.lm_head(last))


def _run_candidates(
    candidates: Sequence[_Candidate], utterance: Samples, repeat: int, track: TrackProgress
) -> tuple[MethodResult, ...]:
    whole = len(utterance) / RATE
    lengths = [*(length for length in UTTERANCE_SECONDS if length < whole), whole]
    todo = [(e, s) for _ in range(repeat) for e in candidates for s in lengths]
    for entry in candidates:  # warm-up: costs of a first call do not count
        _time_candidate(entry, utterance[:RATE])
    costs: dict[tuple[str, float], list[MethodCost]] = {}
    outputs: dict[str, Scores] = {}
    labels = [f"{entry.name}, {seconds:g} s" for entry, seconds in todo]
    for (entry, seconds), _ in zip(todo, track(labels), strict=True):
        cost, outputs[entry.name] = _time_candidate(entry, utterance[: round(seconds * RATE)])
        costs.setdefault((entry.name, seconds), []).append(cost)
    return tuple(
        _method_result(e, [_median_cost(costs[e.name, s]) for s in lengths], outputs[e.name])
        for e in candidates
    )


def _time_candidate(candidate: _Candidate, utterance: Samples) -> tuple[MethodCost, Scores]:
    cpu, clock = list[float](), list[float]()
    pieces: Sequence[Scores] = ()
    steps = candidate.method(utterance)
    while True:
        began, began_cpu = time.perf_counter(), time.process_time()
        known = next(steps, None)
        cpu.append(time.process_time() - began_cpu)
        clock.append(time.perf_counter() - began)
        if known is None:
            break
        pieces = known
    packets = len(list(hop_ends(len(utterance), candidate.hop_samples)))
    whole = len(utterance) // candidate.hop_samples  # packets with a full hop
    seconds = len(utterance) / RATE
    cost = MethodCost(
        seconds=seconds,
        cpu=sum(cpu) / seconds / candidate.streams,
        step_cpu_s=max(
            cpu[max(0, whole - candidate.text_samples // candidate.hop_samples) : max(1, whole)]
        )
        / candidate.streams,
        end_s=sum(clock[packets - 1 :]),
    )
    return cost, np.concatenate(pieces)


def _median_cost(costs: Sequence[MethodCost]) -> MethodCost:
    return MethodCost(
        costs[0].seconds,
        median(cost.cpu for cost in costs),
        median(cost.step_cpu_s for cost in costs),
        median(cost.end_s for cost in costs),
    )


def _method_result(
    candidate: _Candidate, costs: Sequence[MethodCost], output: Scores
) -> MethodResult:
    if output.shape != candidate.offline_scores.shape:
        raise BenchError(
            f"{candidate.name} gave {output.shape} log probabilities and the offline result has "
            f"{candidate.offline_scores.shape}: they cannot be compared"
        )
    return MethodResult(
        candidate.name,
        candidate.text_samples / RATE,
        candidate.streams,
        candidate.dtype,
        tuple(costs),
        float(np.abs(output - candidate.offline_scores).max(initial=0)),
        float(np.mean(output.argmax(1) == candidate.offline_scores.argmax(1))),
    )


def _incremental_encoder(analyser: SpeechAnalyser) -> IncrementalEncoder | None:
    """The incremental encoder itself; None where the analyser re-encodes windows."""
    listener = analyser.recogniser
    return listener.encoder if isinstance(listener, IncrementalRecogniser) else None


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
