"""CTC beam search with a lexicon and an n-gram language model.

flashlight-text's decoder (Kahn et al. 2022) and KenLM's scores (Heafield 2011), through torchaudio.
For open questions; questions whose answers are known use audio/phrase_search.py. Held by
tests/audio/test_transcriber.py::test_lexicon_corrects_spelling.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from audio.phrase_search import Alphabet, DecodedPhrase, Scores
from audio.torchaudio_guard import import_torchaudio

CALIBRATION_FILE = "calibration.json"  # beside the checkpoint: values fitted on dev speakers


class BeamSearchDecoder:
    """Beam search with `words.arpa` (n-grams) and `words.lexicon` (spellings) of a folder."""

    def __init__(
        self, folder: Path, alphabet: Alphabet, weight: float | None = None, word: float = 0.0
    ) -> None:
        """`weight` is that of the language model, `word` the score in nats added for each word.

        Without `weight`, both are as fitted on dev speakers for this folder."""
        import_torchaudio()
        from torchaudio.models.decoder import ctc_decoder  # type: ignore[import-untyped]

        if weight is None:
            weight, word = _read_weights(folder / CALIBRATION_FILE)

        self.alphabet = alphabet
        with _silenced_stderr():
            self._decoder = ctc_decoder(
                lexicon=str(folder / "words.lexicon"),
                tokens=list(alphabet.letters),
                lm=str(folder / "words.arpa"),
                beam_size=40,
                beam_size_token=10,
                beam_threshold=20,
                lm_weight=weight,
                word_score=word,
                blank_token=alphabet.letters[alphabet.blank],
                sil_token=alphabet.letters[alphabet.boundary],
            )

    def decode(self, frame_scores: Scores) -> tuple[DecodedPhrase, ...]:
        """The words of the best beam, without score gaps; empty when there is none."""
        (best,) = self._decoder(torch.from_numpy(frame_scores)[None])
        if not best:
            return ()
        spans = self._spans(best[0].tokens.tolist(), best[0].timesteps.tolist())
        words = [word for word in best[0].words if word]
        # flashlight omits the last word of a turn that ends before its boundary
        return tuple(
            DecodedPhrase(word, *span, 0.0)
            for word, span in zip(words, spans[: len(words)], strict=True)
        )

    def _spans(self, tokens: list[int], frames: list[int]) -> list[tuple[int, int]]:
        """Frames [start, end) of each run of tokens between two boundaries."""
        spans: list[tuple[int, int]] = []
        begun = ended = -1
        boundary = self.alphabet.boundary
        for token, frame in zip([*tokens, boundary], [*frames, 0], strict=True):
            if token != boundary:
                begun = frame if begun < 0 else begun
                ended = frame + 1
            elif begun >= 0:
                spans.append((begun, ended))
                begun = -1
        return spans


def _read_weights(path: Path) -> tuple[float, float]:
    stored = json.loads(path.read_text()).get("order") if path.exists() else None
    return (stored["weight"], stored["word"]) if stored else (1.0, 0.0)


@contextmanager
def _silenced_stderr() -> Iterator[None]:
    """Discard standard error: KenLM draws a progress bar there and has no switch for it."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def has_language_model(folder: Path) -> bool:
    """Whether a checkpoint's folder has the word list and the n-grams of a beam search."""
    return (folder / "words.arpa").exists() and (folder / "words.lexicon").exists()
