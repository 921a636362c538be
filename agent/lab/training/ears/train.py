"""How does the encoder learn to hear letters?

The convolutions begin as a filter bank, letters begin spread evenly over short texts, and CTC does
the rest, with a second CTC loss half-way up (Lee & Watanabe 2021, arXiv 2102.03216). Without the
first two it sits on its blank plateau for most of a small budget. The learning rate follows the
share of the budget that is spent, so that an interrupted or slower run still ends at its lowest
rate. On a CPU every process has one thread: two OpenMP threads collapse when anything else runs.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.distributed as dist
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from agent.lab.training.ears.augmentation import Wear, unit
from agent.lab.training.ears.batches import (
    Example,
    collated,
    epoch,
    strings,
)
from agent.lab.training.ears.corpus import DIGITS, SPEECH, Corpus, cached, load
from agent.lab.training.ears.ctc_model import Shares, Spelling, time_masks
from agent.lab.training.ears.phrases import more_phrases, phrases
from agent.lab.training.ears.speech_synthesis import espeak_speakers, recorded_speakers, spoken
from audio.encoder import frames_in
from audio.types import Samples

COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    TextColumn("step {task.fields[step]}, loss {task.fields[loss]:.3f}"),
    TimeElapsedColumn(),
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what comes out, but the data."""

    seed: int = 7
    processes: int = 2
    minutes: float = 48.0
    batch_s: float = 24.0  # padded seconds a process a step
    rate: float = 1.0e-3
    convolution_rate: float = 0.4  # of `rate`
    flat: float = 0.12  # share of the budget over which the flat start fades
    warm_up: int = 300
    shares: Shares = Shares()
    average: float = 0.998  # of the exported weights over steps
    clip: float = 1.0
    save_every_s: float = 240.0
    strings: int = 700  # rows of single words an epoch
    # How often an epoch hears each recording of a source; a share of them when below 1.
    repeat: dict[str, float] = field(
        default_factory=lambda: {"wuw2": 2, "alnum": 2, "espeak": 0.4, "flite": 0.6}
    )
    start: str = ""  # a folder of exported ears to go on from, instead of from nothing
    wear: Wear = Wear()


@dataclass
class Run:
    """One process's share of the training."""

    rank: int
    world: int
    recipe: Recipe
    folder: Path
    corpora: dict[str, Corpus]
    noises: list[Samples]
    model: Spelling
    spent: float = 0.0  # seconds of CTC training so far, over all resumes
    step: int = 0
    epoch: int = 0
    shadow: dict[str, Tensor] = field(default_factory=dict)
    before: tuple[float, int] = (
        0.0,
        0,
    )  # seconds and steps of trainings that this one goes on from

    @property
    def device(self) -> torch.device:
        return self.model.mid_head.weight.device

    def examples(self, random: np.random.Generator) -> list[Example]:
        said = [u for corpus in self.corpora.values() for u in corpus.of("train")]
        singles = [u for u in said if u.source in ("fsdd", "speech_commands_test")]
        digits = [u for u in singles if u.text in DIGITS]
        times = self.recipe.repeat
        plain = [
            Example((u,))
            for u in said
            for _ in range(int(times.get(u.source, 1) + random.random()))
        ]
        many = self.recipe.strings
        return [*plain, *strings(digits, many, random), *strings(singles, many // 3, random)]

    def batches(self, seconds: float) -> Iterator[tuple[list[Example], np.random.Generator]]:
        while True:
            random = np.random.default_rng((self.recipe.seed, self.epoch))
            plan = epoch(self.examples(random), seconds, random)
            for index in range(self.rank, len(plan) - self.world + 1, self.world):
                mine = np.random.default_rng((self.recipe.seed, self.epoch, index, 1))
                yield plan[index], mine
            self.epoch += 1

    def share(self, optimizer: torch.optim.Optimizer) -> None:
        """Average the gradients of all processes and clip them."""
        weights = [p for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
        if self.world > 1:
            flat = torch.cat([cast(Tensor, p.grad).flatten() for p in weights])
            dist.all_reduce(flat)
            flat /= self.world
            parts = torch.split(flat, [p.numel() for p in weights])
            for p, part in zip(weights, parts, strict=True):
                cast(Tensor, p.grad).copy_(part.view_as(p))
        nn.utils.clip_grad_norm_(weights, self.recipe.clip)

    def _agree(self, used: float) -> float:
        """The same share of the budget in every process, or they would stop at different steps."""
        if self.world == 1:
            return used
        mine = torch.tensor(used, dtype=torch.float64)
        dist.broadcast(mine, 0)
        return float(mine)

    def learn_letters(self, optimizer: torch.optim.Optimizer) -> None:
        """Until the budget is spent, saving now and then."""
        recipe, last, saved, seen = self.recipe, time.monotonic(), time.monotonic(), 0.0
        with Progress(*COLUMNS, disable=self.rank > 0) as progress:
            bar = progress.add_task("letters", total=1.0, loss=math.nan, step=self.step)
            for plan, random in self.batches(recipe.batch_s):
                now = time.monotonic()
                self.spent, last = self.spent + now - last, now
                used = self._agree(self.spent / (60 * recipe.minutes))
                if used >= 1:
                    break
                loss = self._learn(plan, random, optimizer, used)
                seen = 0.98 * seen + 0.02 * loss if seen else loss
                progress.update(bar, completed=used, loss=seen, step=self.step)
                if self.rank == 0 and now - saved > recipe.save_every_s:
                    saved = now
                    self.save(optimizer)
                    progress.console.print(f"step {self.step}: loss {seen:.3f}, saved")
        if self.rank == 0:
            self.save(optimizer)

    def _learn(
        self,
        plan: list[Example],
        random: np.random.Generator,
        optimizer: torch.optim.Optimizer,
        used: float,
    ) -> float:
        recipe = self.recipe
        schedule(optimizer, recipe, self.step, used)
        batch = collated(plan, self.corpora, random, self.noises, recipe.wear)
        counts = [frames_in(n) for n in batch.lengths]
        masks = time_masks(counts, frames_in(batch.samples.shape[1]), random)
        flat = max(0.0, 1 - used / recipe.flat) if not recipe.start else 0.0
        with torch.autocast(self.device.type, torch.bfloat16):
            loss = self.model.loss(
                batch.to(self.device), masks.to(self.device), recipe.shares, flat
            )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.share(optimizer)
        optimizer.step()
        self.step += 1
        if self.rank == 0:
            self.remember()
        return loss.item()

    def remember(self) -> None:
        """A running average of the weights: better than any one step's, at every moment."""
        keep = min(self.recipe.average, (self.step + 1) / (self.step + 50))
        state = self.model.state_dict()
        if not self.shadow:
            self.shadow = {name: value.clone() for name, value in state.items()}
        torch._foreach_lerp_(
            list(self.shadow.values()), [state[name] for name in self.shadow], 1 - keep
        )

    def save(self, optimizer: torch.optim.Optimizer) -> None:
        state = {
            "model": self.model.state_dict(),
            "shadow": self.shadow,
            "optimizer": optimizer.state_dict(),
            "counters": (self.spent, self.step, self.epoch + 1),
            "before": self.before,
            "recipe": repr(self.recipe),
        }
        draft = self.folder / "letters.tmp"
        torch.save(state, draft)
        draft.replace(self.folder / "letters.pt")

    def resume(self, optimizer: torch.optim.Optimizer) -> None:
        path = self.folder / "letters.pt"
        if not path.exists():
            return
        state = torch.load(path, self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        self.shadow = state["shadow"]
        self.spent, self.step, self.epoch = state["counters"]
        self.before = state["before"]


def schedule(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int, used: float) -> None:
    rate = recipe.rate * min(1, (step + 1) / recipe.warm_up) * (0.01 + math.cos(used * math.pi / 2))
    for group in optimizer.param_groups:
        group["lr"] = rate * cast(float, group["scale"])


def optimizer_of(model: Spelling, recipe: Recipe) -> torch.optim.Optimizer:
    early = list(model.ctc.hubert.feature_extractor.parameters())
    ids = {id(p) for p in early}
    late = [p for p in model.parameters() if id(p) not in ids]
    groups = [
        {"params": early, "scale": recipe.convolution_rate},
        {"params": late, "scale": 1.0},
    ]
    return torch.optim.AdamW(groups, recipe.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)


def learn(rank: int, recipe: Recipe, data: Path, folder: Path) -> None:
    """What every process does."""
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    if recipe.processes > 1:
        meet = f"file://{(folder / 'rendezvous').resolve()}"
        dist.init_process_group("gloo", init_method=meet, rank=rank, world_size=recipe.processes)
    corpora = corpora_of(data, folder, recipe.seed)
    noise = load(data, ("noise",), folder / "noise")
    noises = [unit(noise.samples(u)) for u in noise.of("train")]
    model = begun(recipe).to("cuda" if torch.cuda.is_available() else "cpu")
    run = Run(rank, recipe.processes, recipe, folder, corpora, noises, model)
    if recipe.start:
        run.before = learned(Path(recipe.start))
    optimizer = optimizer_of(run.model, recipe)
    run.resume(optimizer)
    run.learn_letters(optimizer)
    if recipe.processes > 1:
        dist.destroy_process_group()


def begun(recipe: Recipe) -> Spelling:
    """An encoder with a filter bank's ear, or what an earlier training exported."""
    model = Spelling()
    if recipe.start:
        model.load_exported(Path(recipe.start))
    return model


def learned(folder: Path) -> tuple[float, int]:
    """Seconds and steps of training that went into exported ears."""
    told = json.loads((folder / "config.json").read_text())
    return told.get("trained_s", 0.0), told.get("trained_steps", 0)


def corpora_of(data: Path, folder: Path, seed: int) -> dict[str, Corpus]:
    """Source -> its recordings, and what synthetic voices say."""
    real = load(data, SPEECH, folder / "speech")
    corpora = {
        source: Corpus(tuple(u for u in real.utterances if u.source == source), real.sound)
        for source in SPEECH
    }
    said = cached(
        folder / "espeak", lambda: spoken("espeak", phrases(data, seed), espeak_speakers(), seed)
    )
    if people := recorded_speakers():
        heard = [u.text for u in real.of("train")]
        corpora["flite"] = cached(
            folder / "flite",
            lambda: spoken("flite", more_phrases(data, heard, seed), people, seed),
        )
    return {"espeak": said, **corpora}


def train_letters(data: Path, folder: Path, recipe: Recipe) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rendezvous").unlink(missing_ok=True)
    corpora_of(data, folder, recipe.seed)
    load(data, ("noise",), folder / "noise")
    if torch.cuda.is_available():
        recipe = replace(recipe, processes=1)
    if recipe.processes == 1:
        learn(0, recipe, data, folder)
    else:
        spawn(learn, (recipe, data, folder), recipe.processes)  # type: ignore[no-untyped-call]
