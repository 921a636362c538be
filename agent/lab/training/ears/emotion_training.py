"""How is the emotion head taught, and how well does it know people it never heard?

Only the head learns; the encoder is the shipped one. RAVDESS figures come from six folds of four
actors (a random split would flatter by 7 to 30 points), each actor's sentences heard in a drawn
order as turns of one call, and once more each on its own. nEMO's Polish joins the training;
EmoDB's German is only ever measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from scipy.special import softmax  # type: ignore[import-untyped]
from torch import Tensor, nn

from agent.lab.training.ears.acted_recordings import Voice, in_order, label_of
from agent.lab.training.ears.corpus import Utterance
from audio.emotion import ACTED, EmotionHead, felt, together
from audio.speaker_normalisation import BANDS, NUMBERS, Caller, Contours


@dataclass(frozen=True, slots=True)
class Lesson:
    seed: int = 11
    epochs: int = 14
    batch: int = 32
    rate: float = 2e-3
    decay: float = 0.02
    smoothing: float = 0.1
    foreign: float = 0.08  # of nEMO's recordings an epoch
    known: int = 20  # turns of a caller that were heard before, at most


Seen = tuple[Tensor, Tensor]  # contour (2 n, 43), layers (layers, n, width)


def seen(voice: Voice, before: Caller, most_s: float | None = None) -> Seen:
    """What the head is shown of a turn of a caller who was known like this before it; of no more
    than so many seconds from where speech begins."""
    turn = voice.contours
    if most_s is not None:
        end = int(turn.speech.argmax()) + round(100 * most_s)
        turn = Contours(turn.bands[:end], turn.pitch[:end])
    caller = before.copy()
    caller.hear(turn)
    contour, start = caller.view(turn)
    count, _, width = voice.layers.shape
    contour, layers = together(contour, voice.layers.transpose(0, 1).flatten(1), start)
    return contour, layers.view(len(layers), count, width).transpose(0, 1)


def batch_of(some: Sequence[Seen]) -> tuple[Tensor, Tensor, Tensor]:
    """(batch, 2 n, 43), which of these are frames (batch, 2 n), (batch, layers, n, width)."""
    pairs = max(-(-len(contour) // 2) for contour, _ in some)
    count, _, width = some[0][1].shape
    contours = torch.zeros(len(some), 2 * pairs, NUMBERS)
    there = torch.zeros(len(some), 2 * pairs)
    layers = torch.zeros(len(some), count, pairs, width)
    for i, (contour, layer) in enumerate(some):
        contours[i, : len(contour)] = contour
        there[i, : len(contour)] = 1
        layers[i, :, : layer.shape[1]] = layer.float()
    return contours, there, layers


def teach(some: Sequence[Voice], lesson: Lesson) -> EmotionHead:
    torch.manual_seed(lesson.seed)
    random = np.random.default_rng(lesson.seed)
    count, _, width = some[0].layers.shape
    head = EmotionHead(layers=count, width=width).train()
    optimizer = torch.optim.AdamW(head.parameters(), lesson.rate, weight_decay=lesson.decay)
    home = [v for v in some if v.utterance.source == "ravdess"]
    abroad = [v for v in some if v.utterance.source != "ravdess"]
    guests = int(lesson.foreign * len(abroad))
    weight = _class_weights(home or abroad)
    steps = lesson.epochs * ((len(home) + guests) // lesson.batch)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, lesson.rate, steps + 1, pct_start=0.15)
    lines: dict[tuple[str, bool], list[Voice]] = {}
    for voice in some:
        lines.setdefault(voice.line, []).append(voice)
    for _ in range(lesson.epochs):
        class_of = [*home, *(abroad[i] for i in random.permutation(len(abroad))[:guests])]
        # Sorted by length within a shuffled neighbourhood: little padding, still random.
        class_of.sort(key=lambda v: v.layers.shape[1] + random.normal(0, 10))
        cuts = [class_of[i : i + lesson.batch] for i in range(0, len(class_of), lesson.batch)]
        for index in random.permutation(len(cuts))[: len(class_of) // lesson.batch]:
            pupils = cuts[index]
            shown = [roughened(seen(v, known(v, lines, lesson, random)), random) for v in pupils]
            contours, there, layers = batch_of(shown)
            logits = head(contours, there, head.mix(layers))
            wanted = torch.tensor([v.label for v in pupils])
            loss = F.cross_entropy(logits, wanted, weight, label_smoothing=lesson.smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(head.parameters(), 2.0)
            optimizer.step()
            rates.step()
    return head.eval()


def known(
    voice: Voice,
    lines: dict[tuple[str, bool], list[Voice]],
    lesson: Lesson,
    random: np.random.Generator,
) -> Caller:
    """The caller as known before this turn: some others of the same line were heard, or none."""
    line = lines[voice.line]
    others = random.choice(len(line), int(random.integers(0, lesson.known + 1)))
    return Caller().join(line[i].alone for i in others)


def roughened(shown: Seen, random: np.random.Generator) -> Seen:
    """Another vocal tract, another line, spans and bands that were not heard, an early end."""
    contour, layers = shown[0].clone(), shown[1]
    shift = int(random.integers(-2, 3)) if random.random() < 0.7 else 0
    contour[:, :BANDS] = torch.roll(contour[:, :BANDS], shift, 1)
    contour[:, :BANDS] += torch.randn(1, BANDS) * 0.15 + float(random.normal()) * 0.1
    contour[:, BANDS] += float(random.normal()) * 0.15 * (contour[:, BANDS + 1] > 0)
    frames = len(contour)
    for _ in range(2):
        span = int(random.integers(0, max(1, frames // 8)))
        start = int(random.integers(0, frames - span + 1))
        contour[start : start + span] = 0
        span = int(random.integers(0, 7))
        start = int(random.integers(0, BANDS + 1 - span))
        contour[:, start : start + span] = 0
    if random.random() < 0.4 and frames > 20:
        pairs = int(frames // 2 * random.uniform(0.4, 1))
        start = int(random.integers(0, frames // 2 - pairs + 1))
        contour = contour[2 * start : 2 * (start + pairs)]
        layers = layers[:, start : start + pairs]
    return contour, layers


def _class_weights(some: Sequence[Voice]) -> Tensor:
    counts = np.bincount([v.label for v in some], minlength=len(ACTED))
    weights = np.where(counts > 0, (counts.sum() / np.maximum(counts, 1)) ** 0.5, 0.0)
    return torch.tensor(weights / weights[counts > 0].mean(), dtype=torch.float32)


@torch.inference_mode()
def judged(
    head: EmotionHead, some: Sequence[tuple[Voice, Caller]], most_s: float | None = None
) -> NDArray[np.float32]:
    """Logits (voices, 8)."""
    parts = [np.zeros((0, len(ACTED)), np.float32)]
    for at in range(0, len(some), 64):
        shown = [seen(voice, before, most_s) for voice, before in some[at : at + 64]]
        contours, there, layers = batch_of(shown)
        parts.append(head(contours, there, head.mix(layers)).numpy())
    return np.concatenate(parts)


def fit_temperature(head: EmotionHead, dev: Sequence[Voice]) -> None:
    logits = torch.from_numpy(judged(head, in_order(dev)))
    labels = torch.tensor([v.label for v, _ in in_order(dev)])
    grid = torch.linspace(0.4, 4.0, 73)
    losses = [float(F.cross_entropy(logits / t, labels)) for t in grid]
    head.get_buffer("temperature").fill_(float(grid[int(np.argmin(losses))]))


def actor(voice: Voice) -> int:
    return int(voice.utterance.speaker.split("_")[1])


Row = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What a head that did not know the speaker made of a voice. Logits are (8,)."""

    utterance: Utterance
    telephone: bool
    logits: Row  # as a turn of a call
    first: Row  # as the first thing heard of this caller
    early: dict[float, Row]  # after so many seconds

    @property
    def label(self) -> int:
        return label_of(self.utterance)


EARLY_S = (0.5, 1.0, 2.0, 3.0)


Split = tuple[list[Voice], list[Voice]]  # taught, tested


def by_actors(some: Sequence[Voice], first: int, size: int = 4) -> Split:
    """RAVDESS actors from `first` on are tested; everybody else teaches."""
    tested = range(first, first + size)

    def held(voice: Voice) -> bool:
        return voice.utterance.source == "ravdess" and actor(voice) in tested

    return [v for v in some if not held(v)], [v for v in some if held(v)]


def by_sentence(some: Sequence[Voice]) -> list[Split]:
    """Each RAVDESS sentence in turn is tested, the other teaches; same actors."""
    ravdess = [v for v in some if v.utterance.source == "ravdess"]
    return [
        (
            [v for v in ravdess if v.utterance.text != text],
            [v for v in ravdess if v.utterance.text == text],
        )
        for text in sorted({v.utterance.text for v in ravdess})
    ]


def held_out(split: Split, lesson: Lesson) -> list[Verdict]:
    taught, tested = split
    return verdicts(teach(taught, lesson), tested)


def verdicts(head: EmotionHead, held_out: Sequence[Voice]) -> list[Verdict]:
    turns = in_order(held_out)
    later, alone = judged(head, turns), judged(head, [(v, Caller()) for v, _ in turns])
    early = {s: judged(head, turns, most_s=s) for s in EARLY_S}
    return [
        Verdict(v.utterance, v.telephone, later[i], alone[i], {s: x[i] for s, x in early.items()})
        for i, (v, _) in enumerate(turns)
    ]


def write_verdicts(some: Sequence[Verdict], temperature: float, path: Path) -> None:
    """One line a voice that its head did not know: fusion learns from these what a voice says."""
    lines = []
    for verdict in some:
        feeling = felt(softmax(verdict.logits / temperature).tolist())
        emotion = {name: round(p, 4) for name, p in feeling.emotion.items()}
        label = ACTED[verdict.label]
        told = {"speaker": verdict.utterance.speaker, "emotion": emotion}
        lines.append(json.dumps({**told, "label": "neutral" if label == "calm" else label}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def export_head(head: EmotionHead, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in head.state_dict().items()
    }
    save_file(weights, out / "model.safetensors")
    shape = {
        "title": "hearken-emotion",
        "licence": "CC BY-NC-SA 4.0",
        "layers": len(head.weights),
        "width": head.inlet[1].in_features,
        "hidden": head.hidden,
        "emotions": list(ACTED),
    }
    (out / "config.json").write_text(json.dumps(shape, indent=1) + "\n")
