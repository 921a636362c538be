"""How do the ways of hearing a live voice compare, on the same sound, weights and machine?

All ways take turns within one run, so that whatever else the machine does strikes all of them.
Times are CPU time of one thread, except `end_s`, which a caller would wait.
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
from agent.lab.bench.roofline import Floor
from agent.lab.bench.roofline import measured as floor_of
from agent.lab.bench.streaming_methods import (
    Model,
    Way,
    again,
    ends,
    in_lobe,
    in_pipeline,
    likely,
    streaming,
    window,
)
from agent.lab.evaluation.contenders import single_thread
from audio import checkpoints
from audio.checkpoints import Checkpoint
from audio.encoder import ChunkedEncoder
from audio.incremental import IncrementalEncoder
from audio.inference_layers import best_dtype
from audio.phrase_search import Scores
from audio.recognisers import IncrementalRecogniser
from audio.speech_analyser import SpeechAnalyser
from audio.types import FRAME, RATE, Precision, Samples

COMPANY = 16
LENGTHS = (2.0, 5.0)  # seconds of speech beside the longest
GOAL = 20.0

OURS = ("streaming", "company", "streaming-fp32")
OTHERS = ("again", "again-bf16", "window", "pipeline", "speechbrain")
NAMES = (*OURS, *OTHERS)

Watch = Callable[[Sequence[str]], Iterable[str]]  # shows progress through what it is given


@dataclass(frozen=True, slots=True)
class Cost:
    """Of hearing an utterance of `seconds` in one way."""

    seconds: float
    cpu: float  # CPU seconds for each second of each stream
    step_cpu_s: float  # CPU for each stream of the last hop that brought text
    end_s: float  # from the last packet to the last letters, by the clock


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    text_s: float  # from one text to the next
    streams: int
    dtype: str
    costs: tuple[Cost, ...]  # by length
    largest: float  # difference of a log probability to the offline result
    same: float  # share of frames whose likeliest letter is that of the offline result


@dataclass(frozen=True, slots=True)
class Comparison:
    machine: Machine
    streams_exactly: bool
    repeat: int
    rows: tuple[Row, ...]
    floor: Floor | None

    def row(self, name: str) -> Row | None:
        return next((row for row in self.rows if row.name == name), None)

    def times(self, row: Row, than: str = "streaming") -> float | None:
        """How many times the CPU of our own way, for the longest utterance."""
        ours = self.row(than)
        return None if ours is None else row.costs[-1].cpu / ours.costs[-1].cpu


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    way: Way
    hop: int  # samples in a packet
    text: int  # samples from one text to the next
    streams: int
    dtype: str
    offline: Scores  # what the same weights make of the whole utterance by the way's own rules


def compared(
    weights: Path,
    checkpoint: str | None,
    utterance: Samples,
    hop: int,
    repeat: int,
    names: Sequence[str],
    watch: Watch,
) -> Comparison:
    """`weights` holds the embedded ears, whose place `checkpoint` takes, by folder or hub name."""
    if unknown := [name for name in names if name not in NAMES]:
        raise BenchError(f"there is no way {unknown[0]!r}; there are {', '.join(NAMES)}")
    with single_thread():
        found = checkpoints.find(checkpoint or str(weights / "ears"))
        spelling, _, normalise = checkpoints.open_ctc_model(found)
        stock = Model.of(spelling.model, found.folder, normalise)
        truth = _by_own_rules(found, spelling, stock, utterance)
        entries, floor = list[_Entry](), None
        for name in names:
            if name in OURS:
                precision: Precision = "float32" if name == "streaming-fp32" else "auto"
                ears = SpeechAnalyser.load(
                    weights, checkpoint, infer_emotion=False, precision=precision
                )
                entries.append(_ours(name, ears, truth))
                if name == "company" and (encoder := _encoder(ears)):
                    floor = floor_of(encoder, found.config, COMPANY)
            else:
                entries.append(_theirs(name, stock, utterance, hop))
        rows = _measured(entries, utterance, repeat, watch)
    return Comparison(this_machine(), found.is_streamable, repeat, rows, floor)


def usual_names() -> list[str]:
    """All, but for those that would come twice where nothing runs in bfloat16."""
    half = best_dtype() == torch.bfloat16
    return [name for name in NAMES if half or name not in ("streaming-fp32", "again-bf16")]


def _ours(name: str, ears: SpeechAnalyser, truth: Scores) -> _Entry:
    company = COMPANY if name == "company" else 1
    encoder = _encoder(ears)
    dtype = encoder.dtype if encoder else torch.float32
    text = encoder.window.chunk * FRAME if encoder else ears.hop
    return _Entry(name, streaming(ears, company), ears.hop, text, company, _name(dtype), truth)


def _theirs(name: str, stock: Model, utterance: Samples, hop: int) -> _Entry:
    makers = {"window": window, "pipeline": in_pipeline, "speechbrain": in_lobe}
    half = name == "again-bf16"
    model = replace(stock, ctc=deepcopy(stock.ctc).bfloat16()) if half else stock
    try:
        way = makers.get(name, again)(model, hop)
    except (OSError, ValueError) as problem:
        first = str(problem).strip().partition("\n")[0]
        raise BenchError(f"{name} cannot open {stock.folder}: {first}") from problem
    dtype = _name(torch.bfloat16 if half else torch.float32)
    return _Entry(name, way, hop, hop, 1, dtype, stock.hear(utterance))


@torch.inference_mode()
def _by_own_rules(found: Checkpoint, spelling: Any, stock: Model, utterance: Samples) -> Scores:
    """Our own offline result: with the mask that the checkpoint was trained to stream with, which
    transformers does not know; without one, transformers' own."""
    if not found.is_streamable:
        return likely(spelling(stock.prepared(utterance)).logits)
    last = ChunkedEncoder(stock.ctc.hubert)(torch.from_numpy(utterance)[None])[-1]
    return likely(stock.ctc.lm_head(last))


def _measured(
    entries: Sequence[_Entry], utterance: Samples, repeat: int, watch: Watch
) -> tuple[Row, ...]:
    whole = len(utterance) / RATE
    lengths = [*(length for length in LENGTHS if length < whole), whole]
    todo = [(e, s) for _ in range(repeat) for e in entries for s in lengths]
    for entry in entries:  # what only the first call pays
        _timed(entry, utterance[:RATE])
    costs: dict[tuple[str, float], list[Cost]] = {}
    outputs: dict[str, Scores] = {}
    labels = [f"{entry.name}, {seconds:g} s" for entry, seconds in todo]
    for (entry, seconds), _ in zip(todo, watch(labels), strict=True):
        cost, outputs[entry.name] = _timed(entry, utterance[: round(seconds * RATE)])
        costs.setdefault((entry.name, seconds), []).append(cost)
    return tuple(
        _row(e, [_typical(costs[e.name, s]) for s in lengths], outputs[e.name]) for e in entries
    )


def _timed(entry: _Entry, utterance: Samples) -> tuple[Cost, Scores]:
    cpu, clock = list[float](), list[float]()
    pieces: Sequence[Scores] = ()
    hearing = entry.way(utterance)
    while True:
        began, began_cpu = time.perf_counter(), time.process_time()
        known = next(hearing, None)
        cpu.append(time.process_time() - began_cpu)
        clock.append(time.perf_counter() - began)
        if known is None:
            break
        pieces = known
    packets = len(list(ends(len(utterance), entry.hop)))
    whole = len(utterance) // entry.hop  # packets of a whole hop
    seconds = len(utterance) / RATE
    cost = Cost(
        seconds=seconds,
        cpu=sum(cpu) / seconds / entry.streams,
        step_cpu_s=max(cpu[max(0, whole - entry.text // entry.hop) : max(1, whole)])
        / entry.streams,
        end_s=sum(clock[packets - 1 :]),
    )
    return cost, np.concatenate(pieces)


def _typical(costs: Sequence[Cost]) -> Cost:
    return Cost(
        costs[0].seconds,
        median(cost.cpu for cost in costs),
        median(cost.step_cpu_s for cost in costs),
        median(cost.end_s for cost in costs),
    )


def _row(entry: _Entry, costs: Sequence[Cost], output: Scores) -> Row:
    if output.shape != entry.offline.shape:
        raise BenchError(
            f"{entry.name} came to {output.shape} log probabilities and offline hearing to "
            f"{entry.offline.shape}: they cannot be compared"
        )
    return Row(
        entry.name,
        entry.text / RATE,
        entry.streams,
        entry.dtype,
        tuple(costs),
        float(np.abs(output - entry.offline).max(initial=0)),
        float(np.mean(output.argmax(1) == entry.offline.argmax(1))),
    )


def _encoder(ears: SpeechAnalyser) -> IncrementalEncoder | None:
    """What takes the steps, without all around it; None where the ears hear windows again."""
    listener = ears.recogniser
    return listener.encoder if isinstance(listener, IncrementalRecogniser) else None


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
