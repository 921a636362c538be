"""Which words, in which usual order, are these letters?

A beam search over a word list with an n-gram model: flashlight-text's decoder (Kahn et al. 2022)
and KenLM's scores (Heafield 2011), through torchaudio. For open questions; questions whose answers
are known use audio.search. Held by tests/audio/test_transcriber.py::test_lexicon_corrects_spelling.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from audio.search import Alphabet, Said, Scores
from audio.torchaudio_guard import import_torchaudio


class Lexicon:
    """`words.arpa` (order of words) and `words.lexicon` (their spelling) from one folder."""

    def __init__(
        self, folder: Path, alphabet: Alphabet, weight: float = 1.0, word: float = 0.0
    ) -> None:
        import_torchaudio()
        from torchaudio.models.decoder import ctc_decoder  # type: ignore[import-untyped]

        self.alphabet = alphabet
        with _quiet():
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

    def words(self, likely: Scores) -> tuple[Said, ...]:
        (best,) = self._decoder(torch.from_numpy(likely)[None])
        return self._timed(best[0].tokens.tolist(), best[0].timesteps.tolist()) if best else ()

    def _timed(self, letters: list[int], frames: list[int]) -> tuple[Said, ...]:
        said: list[Said] = []
        word, begun, ended = "", 0, 0
        boundary = self.alphabet.boundary
        for letter, frame in zip([*letters, boundary], [*frames, 0], strict=True):
            if letter != boundary:
                begun = begun if word else frame
                ended = frame + 1
                word += self.alphabet.letters[letter]
            elif word:
                said.append(Said(word, begun, ended, 0.0))
                word = ""
        return tuple(said)


@contextmanager
def _quiet() -> Iterator[None]:
    """KenLM draws a progress bar on the process's standard error and has no switch for it."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def there(folder: Path) -> bool:
    return (folder / "words.arpa").exists() and (folder / "words.lexicon").exists()
