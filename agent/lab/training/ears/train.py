"""CTC training of the speech encoder, in one or several processes.

The convolutions start as a filter bank, the labels of short texts start spread evenly over the
sound, and CTC does the rest, with a second CTC loss at the middle layer (Lee & Watanabe 2021, arXiv
2102.03216). Without the first two, training stays on CTC's blank plateau for most of a small
budget. The learning rate follows the spent share of the time budget, so that an interrupted or
slower run still ends at its lowest rate. On a CPU every process has one thread: two OpenMP threads
become far slower as soon as another program runs.
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

from agent.lab.training.ears.augmentation import AugmentationSettings, to_unit_rms
from agent.lab.training.ears.batches import (
    SpeechExample,
    collate,
    shuffled_batches,
    word_sequences,
)
from agent.lab.training.ears.corpus import (
    DIGIT_WORDS,
    SPEECH_SETS,
    Corpus,
    cached_corpus,
    load_corpus,
)
from agent.lab.training.ears.ctc_model import CtcTrainingModel, LossWeights, time_masks
from agent.lab.training.ears.phrases import espeak_phrases, recorded_voice_phrases
from agent.lab.training.ears.speech_synthesis import espeak_voices, recorded_voices, synthesise
from audio.encoder import frame_count
from audio.types import Samples

PROGRESS_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    TextColumn("step {task.fields[step]}, loss {task.fields[loss]:.3f}"),
    TimeElapsedColumn(),
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """All settings of a training run; with the data they determine its result."""

    seed: int = 7
    processes: int = 2
    minutes: float = 48.0
    batch_s: float = 24.0  # padded seconds, for each process and step
    learning_rate: float = 1.0e-3
    convolution_rate_factor: float = 0.4  # of `rate`
    flat_start_share: float = 0.12  # share of the budget over which the flat start fades
    warm_up_steps: int = 300
    loss_weights: LossWeights = LossWeights()
    averaging_decay: float = 0.998  # of the exported weights, for each step
    max_gradient_norm: float = 1.0
    save_every_s: float = 240.0
    word_sequences: int = 700  # sequences of single words in each epoch
    # How often an epoch contains each recording of a source; below 1, a share of them.
    repeats: dict[str, float] = field(
        default_factory=lambda: {"wuw2": 2, "alnum": 2, "espeak": 0.4, "flite": 0.6}
    )
    start_from: str = ""  # an exported checkpoint to continue from; empty: from scratch
    augmentation: AugmentationSettings = AugmentationSettings()


@dataclass
class CtcTrainingRun:
    """The state of the training in one process."""

    rank: int
    world_size: int
    recipe: Recipe
    folder: Path
    corpora: dict[str, Corpus]
    noises: list[Samples]
    model: CtcTrainingModel
    spent_s: float = 0.0  # training time so far, over all resumed runs
    step: int = 0
    epoch: int = 0
    averaged_weights: dict[str, Tensor] = field(default_factory=dict)
    earlier_totals: tuple[float, int] = (
        0.0,
        0,
    )  # seconds and steps of the trainings that this one continues

    @property
    def device(self) -> torch.device:
        return self.model.mid_head.weight.device

    def examples(self, random: np.random.Generator) -> list[SpeechExample]:
        """An epoch's examples: recordings, repeated by source, and random word sequences."""
        utterances = [u for corpus in self.corpora.values() for u in corpus.select("train")]
        singles = [u for u in utterances if u.source in ("fsdd", "speech_commands_test")]
        digits = [u for u in singles if u.text in DIGIT_WORDS]
        repeats = self.recipe.repeats
        plain = [
            SpeechExample((u,))
            for u in utterances
            for _ in range(int(repeats.get(u.source, 1) + random.random()))
        ]
        many = self.recipe.word_sequences
        return [
            *plain,
            *word_sequences(digits, many, random),
            *word_sequences(singles, many // 3, random),
        ]

    def batches(
        self, max_seconds: float
    ) -> Iterator[tuple[list[SpeechExample], np.random.Generator]]:
        """This process's batches, epoch after epoch, each with its own random generator."""
        while True:
            random = np.random.default_rng((self.recipe.seed, self.epoch))
            plan = shuffled_batches(self.examples(random), max_seconds, random)
            for index in range(self.rank, len(plan) - self.world_size + 1, self.world_size):
                mine = np.random.default_rng((self.recipe.seed, self.epoch, index, 1))
                yield plan[index], mine
            self.epoch += 1

    def average_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Average the gradients of all processes and clip them."""
        weights = [p for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
        if self.world_size > 1:
            flat = torch.cat([cast(Tensor, p.grad).flatten() for p in weights])
            dist.all_reduce(flat)
            flat /= self.world_size
            parts = torch.split(flat, [p.numel() for p in weights])
            for p, part in zip(weights, parts, strict=True):
                cast(Tensor, p.grad).copy_(part.view_as(p))
        nn.utils.clip_grad_norm_(weights, self.recipe.max_gradient_norm)

    def _agree_on_budget_share(self, budget_share: float) -> float:
        """Process 0's share of the budget; without it processes would stop at different steps."""
        if self.world_size == 1:
            return budget_share
        mine = torch.tensor(budget_share, dtype=torch.float64)
        dist.broadcast(mine, 0)
        return float(mine)

    def train(self, optimizer: torch.optim.Optimizer) -> None:
        """Train until the time budget is spent, and save the state at intervals."""
        recipe, last, saved, smoothed_loss = self.recipe, time.monotonic(), time.monotonic(), 0.0
        with Progress(*PROGRESS_COLUMNS, disable=self.rank > 0) as progress:
            bar = progress.add_task("letters", total=1.0, loss=math.nan, step=self.step)
            for plan, random in self.batches(recipe.batch_s):
                now = time.monotonic()
                self.spent_s, last = self.spent_s + now - last, now
                budget_share = self._agree_on_budget_share(self.spent_s / (60 * recipe.minutes))
                if budget_share >= 1:
                    break
                loss = self._train_step(plan, random, optimizer, budget_share)
                smoothed_loss = 0.98 * smoothed_loss + 0.02 * loss if smoothed_loss else loss
                progress.update(bar, completed=budget_share, loss=smoothed_loss, step=self.step)
                if self.rank == 0 and now - saved > recipe.save_every_s:
                    saved = now
                    self.save(optimizer)
                    progress.console.print(f"step {self.step}: loss {smoothed_loss:.3f}, saved")
        if self.rank == 0:
            self.save(optimizer)

    def _train_step(
        self,
        examples: list[SpeechExample],
        random: np.random.Generator,
        optimizer: torch.optim.Optimizer,
        budget_share: float,
    ) -> float:
        recipe = self.recipe
        set_learning_rate(optimizer, recipe, self.step, budget_share)
        batch = collate(examples, self.corpora, random, self.noises, recipe.augmentation)
        counts = [frame_count(n) for n in batch.lengths]
        masks = time_masks(counts, frame_count(batch.samples.shape[1]), random)
        flat = (
            max(0.0, 1 - budget_share / recipe.flat_start_share) if not recipe.start_from else 0.0
        )
        with torch.autocast(self.device.type, torch.bfloat16):
            loss = self.model.loss(
                batch.to(self.device), masks.to(self.device), recipe.loss_weights, flat
            )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.average_gradients(optimizer)
        optimizer.step()
        self.step += 1
        if self.rank == 0:
            self.update_average()
        return loss.item()

    def update_average(self) -> None:
        """Update the running average of the weights, which is better than any single step's."""
        keep = min(self.recipe.averaging_decay, (self.step + 1) / (self.step + 50))
        state = self.model.state_dict()
        if not self.averaged_weights:
            self.averaged_weights = {name: value.clone() for name, value in state.items()}
        torch._foreach_lerp_(
            list(self.averaged_weights.values()),
            [state[name] for name in self.averaged_weights],
            1 - keep,
        )

    def save(self, optimizer: torch.optim.Optimizer) -> None:
        state = {
            "model": self.model.state_dict(),
            "shadow": self.averaged_weights,
            "optimizer": optimizer.state_dict(),
            "counters": (self.spent_s, self.step, self.epoch + 1),
            "before": self.earlier_totals,
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
        self.averaged_weights = state["shadow"]
        self.spent_s, self.step, self.epoch = state["counters"]
        self.earlier_totals = state["before"]


def set_learning_rate(
    optimizer: torch.optim.Optimizer, recipe: Recipe, step: int, budget_share: float
) -> None:
    """Set the learning rate: warm-up, then a quarter cosine over the budget."""
    rate = (
        recipe.learning_rate
        * min(1, (step + 1) / recipe.warm_up_steps)
        * (0.01 + math.cos(budget_share * math.pi / 2))
    )
    for group in optimizer.param_groups:
        group["lr"] = rate * cast(float, group["scale"])


def make_optimizer(model: CtcTrainingModel, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW with a lower learning rate for the convolutions."""
    convolutions = list(model.ctc.hubert.feature_extractor.parameters())
    ids = {id(p) for p in convolutions}
    others = [p for p in model.parameters() if id(p) not in ids]
    groups = [
        {"params": convolutions, "scale": recipe.convolution_rate_factor},
        {"params": others, "scale": 1.0},
    ]
    return torch.optim.AdamW(
        groups, recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )


def train_process(rank: int, recipe: Recipe, data: Path, folder: Path) -> None:
    """The training of one process, from loading the data to the last step."""
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    if recipe.processes > 1:
        meet = f"file://{(folder / 'rendezvous').resolve()}"
        dist.init_process_group("gloo", init_method=meet, rank=rank, world_size=recipe.processes)
    corpora = load_corpora(data, folder, recipe.seed)
    noise = load_corpus(data, ("noise",), folder / "noise")
    noises = [to_unit_rms(noise.samples(u)) for u in noise.select("train")]
    model = initial_model(recipe).to("cuda" if torch.cuda.is_available() else "cpu")
    run = CtcTrainingRun(rank, recipe.processes, recipe, folder, corpora, noises, model)
    if recipe.start_from:
        run.earlier_totals = exported_training_totals(Path(recipe.start_from))
    optimizer = make_optimizer(run.model, recipe)
    run.resume(optimizer)
    run.train(optimizer)
    if recipe.processes > 1:
        dist.destroy_process_group()


def initial_model(recipe: Recipe) -> CtcTrainingModel:
    """A new model, or the exported weights that the recipe starts from."""
    model = CtcTrainingModel()
    if recipe.start_from:
        model.load_exported(Path(recipe.start_from))
    return model


def exported_training_totals(folder: Path) -> tuple[float, int]:
    """(seconds, steps) of training behind an exported checkpoint."""
    config = json.loads((folder / "config.json").read_text())
    return config.get("trained_s", 0.0), config.get("trained_steps", 0)


def load_corpora(data: Path, folder: Path, seed: int) -> dict[str, Corpus]:
    """The corpus of each source: real recordings, and synthetic speech as "espeak" and "flite"."""
    real = load_corpus(data, SPEECH_SETS, folder / "speech")
    corpora = {
        source: Corpus(tuple(u for u in real.utterances if u.source == source), real.pcm)
        for source in SPEECH_SETS
    }
    espeak = cached_corpus(
        folder / "espeak",
        lambda: synthesise("espeak", espeak_phrases(data, seed), espeak_voices(), seed),
    )
    if voices := recorded_voices():
        transcripts = [u.text for u in real.select("train")]
        corpora["flite"] = cached_corpus(
            folder / "flite",
            lambda: synthesise(
                "flite", recorded_voice_phrases(data, transcripts, seed), voices, seed
            ),
        )
    return {"espeak": espeak, **corpora}


def train_ctc(data: Path, folder: Path, recipe: Recipe) -> None:
    """Train, or resume, in `folder`; on a CPU in `recipe.processes` processes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rendezvous").unlink(missing_ok=True)
    load_corpora(data, folder, recipe.seed)
    load_corpus(data, ("noise",), folder / "noise")
    if torch.cuda.is_available():
        recipe = replace(recipe, processes=1)
    if recipe.processes == 1:
        train_process(0, recipe, data, folder)
    else:
        spawn(train_process, (recipe, data, folder), recipe.processes)  # type: ignore[no-untyped-call]
