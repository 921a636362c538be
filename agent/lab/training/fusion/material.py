"""The words and voices of the built-in fusion experiment, encoded and ready to be paired.

Texts become word vectors twice: as written, and as a transcriber would have heard them. The second
text is the recogniser's own transcript where the work folder has one
(agent/lab/training/understanding/synthetic_transcripts.py), else `noise.noisy_transcript`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from agent.lab.fusion_models.subword_vectors import SubwordVectors
from agent.lab.json_lines import read_json_lines
from agent.lab.training.fusion.pairs import PairMaterial, SentenceVectors
from agent.lab.training.fusion.sentences import MoodSentence, mood_sentences
from agent.lab.training.fusion.voice_frames import load_voice_frames
from agent.lab.training.fusion.word_vectors import train_vectors, vector_training_texts
from agent.lab.training.understanding.examples import load_examples, stable_bucket
from agent.lab.training.understanding.noise import PHONE_LINE, POOR_LINE, noisy_transcript
from agent.understanding.text_features import plain_text
from dialogs.pack.loader import load_pack


@dataclass(frozen=True, slots=True)
class BuiltInMaterial:
    """What pairs are drawn from; the recogniser transcribed `transcribed_count` sentences."""

    material: PairMaterial
    vectors: SubwordVectors
    transcribed_count: int


def load_material(
    data_folder: Path, weights_folder: Path, work_folder: Path, console: Console, seed: int = 0
) -> BuiltInMaterial:
    """The pair material and the word vectors that encoded it.

    `data_folder` holds `speech` and `text`; `work_folder` caches encoder layers and transcripts.
    """
    console.print("texts and their vectors, about a minute", highlight=False)
    rows = load_examples(data_folder / "text", load_pack())
    vector_texts = vector_training_texts(data_folder / "text", rows)
    vectors = train_vectors(vector_texts, seed)
    chosen_sentences = mood_sentences(
        data_folder / "text", rows, {text for text, _ in vector_texts}
    )
    transcripts = read_transcripts_by_text(work_folder / "understanding")
    console.print("voices, as the encoder gives them", highlight=False)
    voices = load_voice_frames(data_folder, weights_folder / "ears", work_folder / "ears")
    transcribed_count = sum(one.text in transcripts for one in chosen_sentences)
    return BuiltInMaterial(
        PairMaterial(encode_sentences(chosen_sentences, vectors, transcripts), voices),
        vectors,
        transcribed_count,
    )


def read_transcripts_by_text(folder: Path) -> dict[str, str]:
    """The recogniser's transcript of each plain sentence; of several transcripts, the last."""
    transcripts = {}
    for path in sorted(folder.glob("heard-*.jsonl")):
        for row in read_json_lines(path):
            transcripts[plain_text(row["text"])] = plain_text(row["heard"])
    return transcripts


@torch.inference_mode()
def encode_sentences(
    chosen_sentences: Sequence[MoodSentence],
    vectors: SubwordVectors,
    transcripts: Mapping[str, str],
) -> list[SentenceVectors]:
    """Each sentence as vectors, once as written and once as transcribed."""
    encoded = []
    for sentence in chosen_sentences:
        # Seeded by the sentence, so that its noise does not depend on the other sentences.
        rng = np.random.default_rng(stable_bucket(sentence.text, 2**31))
        transcript = transcripts.get(sentence.text)
        if transcript is None:
            transcript = noisy_transcript(
                sentence.text, (PHONE_LINE, POOR_LINE)[int(rng.integers(2))], rng
            )[0]
        written, misheard = vectors.text_vectors(sentence.text), vectors.text_vectors(transcript)
        encoded.append(
            SentenceVectors(sentence.text, sentence.mood, sentence.from_customer, written, misheard)
        )
    return encoded
