"""A user's own recordings as fusion turns: words and voice from one utterance, with its labels.

The speech encoder gives the frames of the voice, and the recogniser the transcript that a call
would have had, both as recorded and through a telephone. Labels are an emotion, or a sentiment and
whether the speaker was upset; a column that the user left empty becomes `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from agent.lab.fusion_models.subword_vectors import SubwordVectors
from agent.lab.training.ears.acted_recordings import ActedRecording
from agent.lab.training.ears.corpus import Corpus, Utterance
from agent.lab.training.ears.emotion_training import head_input
from agent.lab.training.ears.offline_recogniser import (
    ChannelSimulation,
    OfflineRecogniser,
    telephone_channel,
    wide_band_channel,
)
from agent.lab.training.fusion.pairs import UNKNOWN, FusionTurn
from agent.lab.training.fusion.voice_frames import FRAME_WIDTH, to_voice_frames
from agent.understanding.text_features import plain_text
from audio.emotion import average_pairs, emotion_for_label, normalise_scale
from audio.prosody import measure_prosody
from audio.speaker_normalisation import SpeakerProfile, measure_contours
from audio.types import Emotion, Expectation

# (sentiment, upset) that an emotion implies; a surprised speaker may be pleased or not.
LABELS_OF_EMOTION: Mapping[Emotion, tuple[int, int]] = {
    "angry": (0, 1),
    "disgusted": (0, 1),
    "sad": (0, 0),
    "fearful": (0, 0),
    "neutral": (1, 0),
    "happy": (2, 0),
    "surprised": (UNKNOWN, 0),
}
SENTIMENT_LABELS: Mapping[str, int] = {
    "negative": 0, "neg": 0, "-1": 0, "neutral": 1, "neu": 1, "0": 1,
    "positive": 2, "pos": 2, "1": 2,
}  # fmt: skip
UPSET_LABELS: Mapping[str, int] = {"true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0}


@dataclass(frozen=True, slots=True)
class TurnLabel:
    """Sentiment (0 negative, 1 neutral, 2 positive) and upset (0 or 1) of a turn; -1 unknown."""

    sentiment: int = UNKNOWN
    upset: int = UNKNOWN


def label_from_columns(emotion: object, sentiment: object, upset: object) -> TurnLabel:
    """The label in a manifest's columns; the sentiment and upset columns override what the emotion
    implies. Label names of IEMOCAP ("ang", "fru", "exc") and MELD ("anger", "joy") are accepted."""
    emotion_name = emotion_for_label(str(emotion)) if emotion else None
    if str(emotion).lower().startswith("fru"):
        emotion_name = "angry"
    implied = TurnLabel(*LABELS_OF_EMOTION[emotion_name]) if emotion_name else TurnLabel()
    return TurnLabel(
        SENTIMENT_LABELS.get(str(sentiment).lower(), implied.sentiment),
        UPSET_LABELS.get(str(upset).lower(), implied.upset),
    )


@torch.inference_mode()
def fusion_turns(
    recogniser: OfflineRecogniser,
    corpus: Corpus,
    labels: Sequence[TurnLabel],
    vectors: SubwordVectors,
) -> list[FusionTurn]:
    """One fusion turn for each utterance; `labels` are in the order of the corpus.

    A speaker's recordings are turns of one call, in that order. The studio transcript replaces a
    missing text.
    """
    studio, telephone = (
        dict(_frames_and_transcripts(recogniser, corpus, room))
        for room in (wide_band_channel, telephone_channel)
    )
    turns = []
    for utterance, turn_label in zip(corpus.utterances, labels, strict=True):
        (studio_frames, studio_transcript), (telephone_frames, telephone_transcript) = (
            studio[utterance.path],
            telephone[utterance.path],
        )
        text = plain_text(utterance.text or studio_transcript)
        turns.append(
            FusionTurn(
                utterance.speaker,
                text,
                vectors.text_vectors(text),
                vectors.text_vectors(telephone_transcript),
                studio_frames,
                telephone_frames,
                turn_label.sentiment,
                turn_label.upset,
            )
        )
    return turns


def _frames_and_transcripts(
    recogniser: OfflineRecogniser, corpus: Corpus, channel: ChannelSimulation
) -> Iterator[tuple[str, tuple[Tensor, str]]]:
    """(path, (voice frames (frames, FRAME_WIDTH), transcript)) of every utterance."""
    encoded_by_path = {
        o.utterance.path: o
        for o in recogniser.encode(corpus, corpus.utterances, channel, layers=True)
    }
    callers: dict[str, SpeakerProfile] = {}
    for utterance in corpus.utterances:
        encoded = encoded_by_path[utterance.path]
        text = recogniser.transcriber.decode(
            encoded.letter_scores, 0, Expectation(), encoded.phone_scores
        ).text
        assert encoded.layers is not None  # layers=True
        layers = average_pairs(normalise_scale(encoded.layers.float()))
        caller = callers.setdefault(utterance.speaker, SpeakerProfile())
        yield utterance.path, (_frames(corpus, utterance, channel, layers, caller), text)


def _frames(
    corpus: Corpus,
    utterance: Utterance,
    channel: ChannelSimulation,
    layers: Tensor,
    caller: SpeakerProfile,
) -> Tensor:
    turn = measure_contours(
        measure_prosody(channel(corpus.samples(utterance), utterance.rate), None)
    )
    if turn is None or not len(turn.bands):
        return torch.zeros(0, FRAME_WIDTH)
    contour, aligned_layers = head_input(
        ActedRecording(utterance, channel is telephone_channel, layers, turn), caller
    )
    caller.update(turn)
    return to_voice_frames(contour, aligned_layers.mean(0))
