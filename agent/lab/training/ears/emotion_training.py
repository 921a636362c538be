"""Training of the emotion head, and its predictions for speakers it was not trained on.

Only the head is trained; the encoder is the shipped one. RAVDESS figures come from six folds of
four actors (a random split would look better by 7 to 30 points). Each actor's sentences are turns
of one call in random order, and are also predicted alone. nEMO's Polish joins the training; EmoDB's
German is only ever measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from scipy.special import softmax  # type: ignore[import-untyped]
from torch import Tensor, nn

from agent.lab.arrays import Float32Array
from agent.lab.training.ears.acted_recordings import ActedRecording, emotion_index, in_call_order
from agent.lab.training.ears.corpus import Utterance
from audio.emotion import ACTED_EMOTIONS, EmotionHead, align_frames, estimate_from_acted
from audio.speaker_normalisation import FEATURES_PER_FRAME, MEL_BANDS, Contours, SpeakerProfile


@dataclass(frozen=True, slots=True)
class EmotionTrainingSettings:
    seed: int = 11
    epochs: int = 14
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    foreign_share: float = 0.08  # of nEMO's recordings in each epoch
    max_known_turns: int = 20  # earlier turns of a caller, at most


HeadInput = tuple[Tensor, Tensor]  # contour (2 n, 43), layers (layers, n, width)


def head_input(
    recording: ActedRecording, caller_before: SpeakerProfile, max_s: float | None = None
) -> HeadInput:
    """The head's input for a turn, given the caller as known before it.

    `max_s` cuts the contour at so many seconds after speech begins.
    """
    turn = recording.contours
    if max_s is not None:
        end = int(turn.speech_mask.argmax()) + round(100 * max_s)
        turn = Contours(turn.bands[:end], turn.pitch[:end])
    caller = caller_before.copy()
    caller.update(turn)
    contour, start = caller.normalise(turn)
    count, _, width = recording.layers.shape
    contour, layers = align_frames(contour, recording.layers.transpose(0, 1).flatten(1), start)
    return contour, layers.view(len(layers), count, width).transpose(0, 1)


def pad_batch(inputs: Sequence[HeadInput]) -> tuple[Tensor, Tensor, Tensor]:
    """Padded inputs: contours (batch, 2 n, 43), mask of true frames (batch, 2 n), and layers
    (batch, layers, n, width)."""
    pairs = max(-(-len(contour) // 2) for contour, _ in inputs)
    count, _, width = inputs[0][1].shape
    contours = torch.zeros(len(inputs), 2 * pairs, FEATURES_PER_FRAME)
    mask = torch.zeros(len(inputs), 2 * pairs)
    layers = torch.zeros(len(inputs), count, pairs, width)
    for i, (contour, layer) in enumerate(inputs):
        contours[i, : len(contour)] = contour
        mask[i, : len(contour)] = 1
        layers[i, :, : layer.shape[1]] = layer.float()
    return contours, mask, layers


def train_head(
    recordings: Sequence[ActedRecording], settings: EmotionTrainingSettings
) -> EmotionHead:
    """A head trained on these recordings, in eval mode, without a fitted temperature."""
    torch.manual_seed(settings.seed)
    random = np.random.default_rng(settings.seed)
    count, _, width = recordings[0].layers.shape
    head = EmotionHead(layers=count, width=width).train()
    optimizer = torch.optim.AdamW(
        head.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    english = [v for v in recordings if v.utterance.source == "ravdess"]
    foreign = [v for v in recordings if v.utterance.source != "ravdess"]
    foreign_count = int(settings.foreign_share * len(foreign))
    weight = _class_weights(english or foreign)
    steps = settings.epochs * ((len(english) + foreign_count) // settings.batch_size)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, steps + 1, pct_start=0.15
    )
    calls: dict[tuple[str, bool], list[ActedRecording]] = {}
    for voice in recordings:
        calls.setdefault(voice.call_key, []).append(voice)
    for _ in range(settings.epochs):
        epoch_recordings = [
            *english,
            *(foreign[i] for i in random.permutation(len(foreign))[:foreign_count]),
        ]
        # Sorted by length plus noise: little padding, still random.
        epoch_recordings.sort(key=lambda v: v.layers.shape[1] + random.normal(0, 10))
        batches = [
            epoch_recordings[i : i + settings.batch_size]
            for i in range(0, len(epoch_recordings), settings.batch_size)
        ]
        for index in random.permutation(len(batches))[
            : len(epoch_recordings) // settings.batch_size
        ]:
            batch = batches[index]
            inputs = [
                augment_input(head_input(v, known_caller(v, calls, settings, random)), random)
                for v in batch
            ]
            contours, mask, layers = pad_batch(inputs)
            logits = head(contours, mask, head.blend_normalised(layers))
            wanted = torch.tensor([v.label for v in batch])
            loss = F.cross_entropy(logits, wanted, weight, label_smoothing=settings.label_smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(head.parameters(), 2.0)
            optimizer.step()
            rates.step()
    return head.eval()


def known_caller(
    recording: ActedRecording,
    calls: dict[tuple[str, bool], list[ActedRecording]],
    settings: EmotionTrainingSettings,
    random: np.random.Generator,
) -> SpeakerProfile:
    """A random state of the caller before this turn: none or some of the call's other turns."""
    call = calls[recording.call_key]
    others = random.choice(len(call), int(random.integers(0, settings.max_known_turns + 1)))
    return SpeakerProfile().merged_with(call[int(i)].single_turn_caller for i in others)


def augment_input(head_input: HeadInput, random: np.random.Generator) -> HeadInput:
    """The input with random band shift, gain, pitch, missing spans and bands, and early end."""
    contour, layers = head_input[0].clone(), head_input[1]
    shift = int(random.integers(-2, 3)) if random.random() < 0.7 else 0
    contour[:, :MEL_BANDS] = torch.roll(contour[:, :MEL_BANDS], shift, 1)
    contour[:, :MEL_BANDS] += torch.randn(1, MEL_BANDS) * 0.15 + float(random.normal()) * 0.1
    contour[:, MEL_BANDS] += float(random.normal()) * 0.15 * (contour[:, MEL_BANDS + 1] > 0)
    frames = len(contour)
    for _ in range(2):
        span = int(random.integers(0, max(1, frames // 8)))
        start = int(random.integers(0, frames - span + 1))
        contour[start : start + span] = 0
        span = int(random.integers(0, 7))
        start = int(random.integers(0, MEL_BANDS + 1 - span))
        contour[:, start : start + span] = 0
    if random.random() < 0.4 and frames > 20:
        pairs = int(frames // 2 * random.uniform(0.4, 1))
        start = int(random.integers(0, frames // 2 - pairs + 1))
        contour = contour[2 * start : 2 * (start + pairs)]
        layers = layers[:, start : start + pairs]
    return contour, layers


def _class_weights(recordings: Sequence[ActedRecording]) -> Tensor:
    counts = np.bincount([v.label for v in recordings], minlength=len(ACTED_EMOTIONS))
    weights = np.where(counts > 0, (counts.sum() / np.maximum(counts, 1)) ** 0.5, 0.0)
    return torch.tensor(weights / weights[counts > 0].mean(), dtype=torch.float32)


@torch.inference_mode()
def head_logits(
    head: EmotionHead,
    turns: Sequence[tuple[ActedRecording, SpeakerProfile]],
    max_s: float | None = None,
) -> Float32Array:
    """Logits (voices, 8)."""
    parts = [np.zeros((0, len(ACTED_EMOTIONS)), np.float32)]
    for at in range(0, len(turns), 64):
        inputs = [head_input(voice, before, max_s) for voice, before in turns[at : at + 64]]
        contours, mask, layers = pad_batch(inputs)
        parts.append(head(contours, mask, head.blend_normalised(layers)).numpy())
    return np.concatenate(parts)


def fit_temperature(head: EmotionHead, dev: Sequence[ActedRecording]) -> None:
    """Set the temperature of `head` to the best one for `dev`."""
    logits = torch.from_numpy(head_logits(head, in_call_order(dev)))
    labels = torch.tensor([v.label for v, _ in in_call_order(dev)])
    grid = torch.linspace(0.4, 4.0, 73)
    losses = [float(F.cross_entropy(logits / t, labels)) for t in grid]
    head.get_buffer("temperature").fill_(float(grid[int(np.argmin(losses))]))


def actor_number(recording: ActedRecording) -> int:
    """The RAVDESS number of the speaker."""
    return int(recording.utterance.speaker.split("_")[1])


EmotionLogits = Float32Array


@dataclass(frozen=True, slots=True, eq=False)
class EmotionPrediction:
    """Logits (8,) for a recording, of a head that was not trained on its speaker."""

    utterance: Utterance
    telephone: bool
    logits: EmotionLogits  # as a turn of a call
    first_turn_logits: EmotionLogits  # as the first turn of this caller
    early_logits: dict[float, EmotionLogits]  # seconds of speech -> logits

    @property
    def label(self) -> int:
        return emotion_index(self.utterance)


EARLY_S = (0.5, 1.0, 2.0, 3.0)


ActedSplit = tuple[list[ActedRecording], list[ActedRecording]]  # (training, test)


def split_by_actors(recordings: Sequence[ActedRecording], first: int, size: int = 4) -> ActedSplit:
    """The test set is `size` RAVDESS actors from `first` on; all other voices train."""
    tested = range(first, first + size)

    def is_held_out(voice: ActedRecording) -> bool:
        return voice.utterance.source == "ravdess" and actor_number(voice) in tested

    return [v for v in recordings if not is_held_out(v)], [v for v in recordings if is_held_out(v)]


def splits_by_sentence(recordings: Sequence[ActedRecording]) -> list[ActedSplit]:
    """One split for each RAVDESS sentence, which is its test set; the same actors train."""
    ravdess = [v for v in recordings if v.utterance.source == "ravdess"]
    return [
        (
            [v for v in ravdess if v.utterance.text != text],
            [v for v in ravdess if v.utterance.text == text],
        )
        for text in sorted({v.utterance.text for v in ravdess})
    ]


def held_out_predictions(
    split: ActedSplit, settings: EmotionTrainingSettings
) -> list[EmotionPrediction]:
    training, test = split
    return emotion_predictions(train_head(training, settings), test)


def emotion_predictions(
    head: EmotionHead, recordings: Sequence[ActedRecording]
) -> list[EmotionPrediction]:
    turns = in_call_order(recordings)
    in_call, first_turn = (
        head_logits(head, turns),
        head_logits(head, [(v, SpeakerProfile()) for v, _ in turns]),
    )
    early = {s: head_logits(head, turns, max_s=s) for s in EARLY_S}
    return [
        EmotionPrediction(
            v.utterance, v.telephone, in_call[i], first_turn[i], {s: x[i] for s, x in early.items()}
        )
        for i, (v, _) in enumerate(turns)
    ]


def write_predictions(
    predictions: Sequence[EmotionPrediction], temperature: float, path: Path
) -> None:
    """Write a JSON line for each prediction; voice_evidence.py fits fusion weights to them."""
    lines = []
    for verdict in predictions:
        emotion_result = estimate_from_acted(softmax(verdict.logits / temperature).tolist())
        emotion = {name: round(p, 4) for name, p in emotion_result.emotion.items()}
        label = ACTED_EMOTIONS[verdict.label]
        row = {"speaker": verdict.utterance.speaker, "emotion": emotion}
        lines.append(json.dumps({**row, "label": "neutral" if label == "calm" else label}))
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
        "emotions": list(ACTED_EMOTIONS),
    }
    (out / "config.json").write_text(json.dumps(shape, indent=1) + "\n")
