"""How is the emotion head taught, and how well does it know people it never heard?

Only the head learns: the encoder is the shipped one, and its outputs are computed once, as studio
and as telephone sound. RAVDESS figures come from six folds of four actors; a random split would
flatter by 7 to 30 points. nEMO's Polish joins the training; EmoDB's German is only ever measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import track
from safetensors.torch import save_file
from torch import Tensor

from agent.training.ears.hearing import Ear, Room, phone
from agent.training.ears.prepare import Corpus, Utterance
from audio.emotion import AFFECT, EmotionHead, evened, halved, numbers
from audio.prosody import measure
from audio.types import EMOTIONS, Emotion

CALLED: dict[str, Emotion] = {
    "calm": "neutral",
    "neutral": "neutral",
    "happy": "happy",
    "happiness": "happy",
    "sad": "sad",
    "sadness": "sad",
    "angry": "angry",
    "anger": "angry",
    "fearful": "fearful",
    "fear": "fearful",
    "surprised": "surprised",
    "disgust": "disgusted",
}


@dataclass(frozen=True, slots=True)
class Voice:
    """One acted sentence as the encoder gave it."""

    utterance: Utterance
    layers: Tensor  # (layers, frames / 2, width), half precision; `evened` and `halved`
    prosody: tuple[float, ...]
    telephone: bool

    @property
    def label(self) -> int:
        return EMOTIONS.index(CALLED[self.utterance.emotion])

    @property
    def affect(self) -> tuple[float, float]:
        arousal, valence = AFFECT[CALLED[self.utterance.emotion]]
        stretch = 1.25 if self.utterance.strong else 1.0  # of the distance from the middle
        return (
            float(np.clip(0.5 + (arousal - 0.5) * stretch, 0, 1)),
            float(np.clip(0.5 + (valence - 0.5) * stretch, 0, 1)),
        )


@dataclass(frozen=True, slots=True)
class Lesson:
    seed: int = 11
    epochs: int = 6
    batch: int = 48
    rate: float = 1.5e-3
    decay: float = 0.05
    affect: float = 1.0  # weight of arousal and valence
    smoothing: float = 0.1


def voices(ear: Ear, corpus: Corpus, source: str, room: Room, cache: Path) -> list[Voice]:
    """Everything acted in `source`, encoded once for as long as the encoder is the same."""
    path = cache / f"voices-{source}-{room.__name__}-{ear.sha256}.pt"
    said = [u for u in corpus.utterances if u.source == source and u.emotion in CALLED]
    if not path.exists():
        torch.save(_encoded(ear, corpus, said, room), path)
    stored = torch.load(path, mmap=True, weights_only=True)
    by_path = {u.path: u for u in said}
    return [
        Voice(by_path[name], layers, tuple(facts), room is phone)
        for name, (layers, facts) in stored.items()
    ]


def _encoded(
    ear: Ear, corpus: Corpus, said: Sequence[Utterance], room: Room
) -> dict[str, tuple[Tensor, list[float]]]:
    found = {}
    heard = ear.hear(corpus, said, room, layers=True)
    for one in track(heard, f"encoding, {room.__name__}", len(said)):
        assert one.layers is not None
        facts = numbers(measure(room(corpus.samples(one.utterance), one.utterance.rate), None))
        found[one.utterance.path] = (halved(evened(one.layers.float())).half(), facts)
    return found


def batch_of(some: Sequence[Voice]) -> tuple[Tensor, Tensor, Tensor]:
    """(batch, layers, frames, width), (batch, frames), (batch, prosody)."""
    longest = max(v.layers.shape[1] for v in some)
    count, _, width = some[0].layers.shape
    layers = torch.zeros(len(some), count, longest, width)
    there = torch.zeros(len(some), longest, dtype=torch.bool)
    for i, voice in enumerate(some):
        frames = voice.layers.shape[1]
        layers[i, :, :frames] = voice.layers.float()
        there[i, :frames] = True
    return layers, there, torch.tensor([v.prosody for v in some])


def teach(some: Sequence[Voice], lesson: Lesson) -> EmotionHead:
    torch.manual_seed(lesson.seed)
    random = np.random.default_rng(lesson.seed)
    count, _, width = some[0].layers.shape
    head = EmotionHead(layers=count, width=width).train()
    optimizer = torch.optim.AdamW(head.parameters(), lesson.rate, weight_decay=lesson.decay)
    weight = _class_weights(some)
    steps = lesson.epochs * (len(some) // lesson.batch)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, lesson.rate, steps + 1, pct_start=0.15)
    for _ in range(lesson.epochs):
        # Sorted by length within a shuffled neighbourhood: little padding, still random.
        order = sorted(
            range(len(some)), key=lambda i: some[i].layers.shape[1] + random.normal(0, 9)
        )
        cuts = [order[at : at + lesson.batch] for at in range(0, len(order), lesson.batch)]
        for index in random.permutation(len(cuts))[: len(some) // lesson.batch]:
            picked = [some[i] for i in cuts[index]]
            layers, there, facts = batch_of(picked)
            logits, affect = head(head.mix(layers), there, facts)
            wanted = torch.tensor([v.label for v in picked])
            loss = F.cross_entropy(logits, wanted, weight, label_smoothing=lesson.smoothing)
            loss = loss + lesson.affect * F.mse_loss(
                affect, torch.tensor([v.affect for v in picked])
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            rates.step()
    return head.eval()


def _class_weights(some: Sequence[Voice]) -> Tensor:
    counts = np.bincount([v.label for v in some], minlength=len(EMOTIONS))
    weights = np.where(counts > 0, counts.sum() / np.maximum(counts, 1), 0.0)
    return torch.tensor(weights / weights[counts > 0].mean(), dtype=torch.float32)


@torch.inference_mode()
def judged(head: EmotionHead, some: Sequence[Voice]) -> tuple[Tensor, Tensor]:
    """Logits (voices, 7) and affect (voices, 2)."""
    parts = [batch_of(some[at : at + 64]) for at in range(0, len(some), 64)]
    out = [head(head.mix(layers), there, facts) for layers, there, facts in parts]
    return torch.cat([o[0] for o in out]), torch.cat([o[1] for o in out])


def fit_temperature(head: EmotionHead, dev: Sequence[Voice]) -> None:
    logits, _ = judged(head, dev)
    labels = torch.tensor([v.label for v in dev])
    grid = torch.linspace(0.4, 4.0, 73)
    losses = [float(F.cross_entropy(logits / t, labels)) for t in grid]
    head.get_buffer("temperature").fill_(float(grid[int(np.argmin(losses))]))


def unweighted_recall(labels: Sequence[int], guesses: Sequence[int]) -> float:
    """UA: mean recall over the classes that occur."""
    truth, guess = np.array(labels), np.array(guesses)
    return float(np.mean([(guess[truth == c] == c).mean() for c in np.unique(truth)]))


def actor(voice: Voice) -> int:
    return int(voice.utterance.speaker.split("_")[1])


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What a head that did not know the speaker made of a voice."""

    voice: Voice
    logits: Tensor  # (7,)

    @property
    def guess(self) -> tuple[Voice, int]:
        return self.voice, int(self.logits.argmax())


def folds(
    some: Sequence[Voice],
    more: Sequence[Voice],
    lesson: Lesson,
    firsts: Sequence[int] = range(1, 25, 4),
) -> list[Verdict]:
    """RAVDESS, six folds of four actors in turn as test: every voice with its verdict."""
    ravdess = [v for v in some if v.utterance.source == "ravdess"]
    verdicts: list[Verdict] = []
    for first in track(firsts, "folds"):
        tested = range(first, first + 4)
        head = teach([*(v for v in ravdess if actor(v) not in tested), *more], lesson)
        held_out = [v for v in ravdess if actor(v) in tested]
        logits, _ = judged(head, held_out)
        verdicts += map(Verdict, held_out, logits)
    return verdicts


def write_verdicts(verdicts: Sequence[Verdict], temperature: float, path: Path) -> None:
    """One line a voice that its head did not know: fusion learns from these what a voice says."""
    lines = []
    for verdict in verdicts:
        chances = (verdict.logits / temperature).softmax(-1).tolist()
        emotion = {name: round(p, 4) for name, p in zip(EMOTIONS, chances, strict=True)}
        speaker, label = verdict.voice.utterance.speaker, EMOTIONS[verdict.voice.label]
        lines.append(json.dumps({"speaker": speaker, "label": label, "emotion": emotion}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def sentences(some: Sequence[Voice], lesson: Lesson) -> list[tuple[Voice, int]]:
    """Taught on one RAVDESS sentence, tested on the other, both ways; same actors."""
    ravdess = [v for v in some if v.utterance.source == "ravdess"]
    guesses: list[tuple[Voice, int]] = []
    for text in sorted({v.utterance.text for v in ravdess}):
        head = teach([v for v in ravdess if v.utterance.text != text], lesson)
        held_out = [v for v in ravdess if v.utterance.text == text]
        logits, _ = judged(head, held_out)
        guesses += zip(held_out, logits.argmax(1).tolist(), strict=True)
    return guesses


def interval(guesses: Sequence[tuple[Voice, int]], seed: int = 0) -> tuple[float, float, float]:
    """UA with a 95 % interval by bootstrap over speakers."""
    by_speaker: dict[str, list[tuple[int, int]]] = {}
    for voice, guess in guesses:
        by_speaker.setdefault(voice.utterance.speaker, []).append((voice.label, guess))
    groups, random, drawn = list(by_speaker.values()), np.random.default_rng(seed), []
    for _ in range(1000):
        pairs = [p for i in random.integers(len(groups), size=len(groups)) for p in groups[i]]
        drawn.append(unweighted_recall([a for a, _ in pairs], [b for _, b in pairs]))
    value = unweighted_recall([v.label for v, _ in guesses], [g for _, g in guesses])
    low, high = np.percentile(drawn, [2.5, 97.5])
    return value, float(low), float(high)


def export_head(head: EmotionHead, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: value.half().contiguous() for name, value in head.state_dict().items()}
    save_file(weights, out / "model.safetensors")
    shape = {
        "title": "hearken-emotion",
        "licence": "CC BY-NC-SA 4.0",
        "layers": len(head.weights),
        "width": head.norm.normalized_shape[0],
        "hidden": head.hidden,
        "emotions": list(EMOTIONS),
    }
    (out / "config.json").write_text(json.dumps(shape, indent=1) + "\n")
