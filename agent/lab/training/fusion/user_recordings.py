"""What are recordings like whose words and voice belong together, and what is felt in them?

The ears' encoder gives frames of the voice, and their transcriber what a call would have had of the
words, as recorded and through a telephone. Labels are an emotion, or a sentiment and whether the
speaker was upset; what a label leaves open stays open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from agent.lab.fusion_models.subword_vectors import Vectors
from agent.lab.training.ears.acted_recordings import Voice
from agent.lab.training.ears.corpus import Corpus, Utterance
from agent.lab.training.ears.emotion_training import seen
from agent.lab.training.ears.offline_recogniser import Ear, Room, phone, wide
from agent.lab.training.fusion.pairs import UNKNOWN, Felt
from agent.lab.training.fusion.voice_frames import FRAME, outline
from agent.understanding.text_features import plain
from audio.emotion import evened, halved, known_as
from audio.prosody import tones
from audio.speaker_normalisation import Caller, contours
from audio.types import Emotion, Expectation

# Sentiment and upset that an emotion stands for; somebody surprised may be pleased or not.
STANDS_FOR: Mapping[Emotion, tuple[int, int]] = {
    "angry": (0, 1),
    "disgusted": (0, 1),
    "sad": (0, 0),
    "fearful": (0, 0),
    "neutral": (1, 0),
    "happy": (2, 0),
    "surprised": (UNKNOWN, 0),
}
SENTIMENTS: Mapping[str, int] = {
    "negative": 0, "neg": 0, "-1": 0, "neutral": 1, "neu": 1, "0": 1,
    "positive": 2, "pos": 2, "1": 2,
}  # fmt: skip
YES_NO: Mapping[str, int] = {"true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0}


@dataclass(frozen=True, slots=True)
class Label:
    """0 negative, 1 neutral, 2 positive; 1 upset; -1 not known."""

    sentiment: int = UNKNOWN
    upset: int = UNKNOWN


def label(emotion: object, sentiment: object, upset: object) -> Label:
    """What a manifest's columns say; a sentiment or upset column counts for more than the emotion
    it goes with. Labels of IEMOCAP ("ang", "fru", "exc") and MELD ("anger", "joy") are known."""
    known = known_as(str(emotion)) if emotion else None
    if str(emotion).lower().startswith("fru"):
        known = "angry"
    felt = Label(*STANDS_FOR[known]) if known else Label()
    return Label(
        SENTIMENTS.get(str(sentiment).lower(), felt.sentiment),
        YES_NO.get(str(upset).lower(), felt.upset),
    )


@torch.inference_mode()
def felt(
    ear: Ear,
    corpus: Corpus,
    labels: Sequence[Label],
    vectors: Vectors,
) -> list[Felt]:
    """`labels` in the order of the corpus. A speaker's recordings are turns of one call, in order.
    Where a text is not known, what was transcribed stands for it."""
    studio, telephone = (dict(_outlined(ear, corpus, room)) for room in (wide, phone))
    found = []
    for utterance, told in zip(corpus.utterances, labels, strict=True):
        (near, read), (far, misread) = studio[utterance.path], telephone[utterance.path]
        text = plain(utterance.text or read)
        found.append(
            Felt(
                utterance.speaker,
                text,
                vectors.of(text),
                vectors.of(misread),
                near,
                far,
                told.sentiment,
                told.upset,
            )
        )
    return found


def _outlined(ear: Ear, corpus: Corpus, room: Room) -> Iterator[tuple[str, tuple[Tensor, str]]]:
    """By path: frames (frames, FRAME), and the transcript."""
    heard = {o.utterance.path: o for o in ear.hear(corpus, corpus.utterances, room, layers=True)}
    callers: dict[str, Caller] = {}
    for utterance in corpus.utterances:
        one = heard[utterance.path]
        text = ear.transcriber.decide(one.likely, 0, Expectation(), one.phones).text
        assert one.layers is not None  # asked for
        layers = halved(evened(one.layers.float()))
        caller = callers.setdefault(utterance.speaker, Caller())
        yield utterance.path, (_frames(corpus, utterance, room, layers, caller), text)


def _frames(
    corpus: Corpus, utterance: Utterance, room: Room, layers: Tensor, caller: Caller
) -> Tensor:
    turn = contours(tones(room(corpus.samples(utterance), utterance.rate), None))
    if turn is None or not len(turn.bands):
        return torch.zeros(0, FRAME)
    contour, shown = seen(Voice(utterance, room is phone, layers, turn), caller)
    caller.hear(turn)
    return outline(contour, shown.mean(0))
