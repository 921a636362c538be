"""Text normalisation, TF-IDF features, and the file format of linear models over them.

A text is normalised first: lower case, no punctuation, no accents, every number one token, so that
typed ("Pay $40!") and transcribed text ("pay forty dollars") look alike. Features are words and
character n-grams inside words, which survive spelling and recognition errors. Invariants, held by
tests/agent/understanding/test_text_features.py: `plain_text` is idempotent and never raises;
weights read back from disk give the scores they gave before.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]
    CountVectorizer,
    TfidfVectorizer,
)

from agent.understanding.arrays import Float32Array

NUMBER_TOKEN = "#"  # stands for any run of digits or number words
_UNITS = (
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBER_WORDS = frozenset({*_UNITS, *_TEENS, *_TENS, "zero", "hundred", "thousand", "million"})
# These are numbers only beside another number; not in "the other one", "oh no", "and then".
BESIDE_NUMBERS = frozenset({"one", "oh", "o", "and", "double", "triple"})
# [noise], <unk>: marks of a transcriber, not words
_TRANSCRIBER_MARKS = re.compile(r"\[[^\]]*\]|<[^>]*>")
_TOKEN = re.compile(r"[a-z]+|[0-9#]+")


class WeightsError(ValueError):
    """Weights that cannot be used; the text says what to do."""


def plain_text(text: str) -> str:
    """Lower-case words separated by single blanks, each number as one `#`."""
    letters = unicodedata.normalize("NFKD", _TRANSCRIBER_MARKS.sub(" ", text)).casefold()
    letters = "".join(c for c in letters if not unicodedata.combining(c) and c not in "'’`")
    return " ".join(_join_numbers(_TOKEN.findall(letters)))


def is_foreign_script(text: str) -> bool:
    """Whether there is text, but none in letters that `plain_text` keeps."""
    return not plain_text(text) and any(
        sign.isalnum() for sign in _TRANSCRIBER_MARKS.sub(" ", text)
    )


def _join_numbers(tokens: list[str]) -> list[str]:
    number = [token[0] in "0123456789#" or token in NUMBER_WORDS for token in tokens]
    for order in (range(len(tokens)), reversed(range(len(tokens)))):
        for at in order:
            if tokens[at] in BESIDE_NUMBERS:
                number[at] = number[at] or _continues_number(number, at, tokens[at])
    if len(tokens) == 1 and tokens[0] == "one":
        return [NUMBER_TOKEN]
    joined: list[str] = []
    for token, is_number in zip(tokens, number, strict=True):
        if not is_number:
            joined.append(token)
        elif not joined or joined[-1] != NUMBER_TOKEN:
            joined.append(NUMBER_TOKEN)
    return joined


def _continues_number(number: list[bool], at: int, token: str) -> bool:
    before = at > 0 and number[at - 1]
    after = at + 1 < len(number) and number[at + 1]
    return before and after if token == "and" else before or after


class TfidfFeatures:
    """TF-IDF features over a fixed list of terms, one block for each kind of term; sparse."""

    def __init__(
        self, blocks: Sequence[tuple[str, tuple[int, int], list[str], Float32Array]]
    ) -> None:
        self.blocks = list(blocks)
        self._counters = [_fitted_vectorizer(*block) for block in blocks]
        self.names = [term for _, _, terms, _ in blocks for term in terms]

    @classmethod
    def fit(
        cls, texts: Sequence[str], kinds: Sequence[tuple[str, tuple[int, int], int, int]]
    ) -> TfidfFeatures:
        """The terms of these texts. `kinds` are (analyzer, n-gram range, minimum number of texts
        with a term, maximum number of terms)."""
        blocks = []
        for analyzer, grams, fewest, most in kinds:
            counter = _new_vectorizer(analyzer, grams, min_df=fewest, max_features=most)
            counter.fit(texts)
            idf = np.asarray(counter.idf_, dtype=np.float32)
            blocks.append((analyzer, grams, list(counter.get_feature_names_out()), idf))
        return cls(blocks)

    def __call__(self, texts: Sequence[str]) -> csr_matrix:
        """Rows of features (len(texts), len(names)) for texts in the form of `plain_text`."""
        blocks = zip(self._counters, self.blocks, strict=True)
        return hstack(
            [_tfidf_rows(counter, idf, texts) for counter, (*_, idf) in blocks], format="csr"
        )


def _tfidf_rows(counter: TfidfVectorizer, idf: Float32Array, texts: Sequence[str]) -> csr_matrix:
    """The result of `counter.transform`, without its validation, which takes twice as long as the
    counting (tests/agent/understanding/test_text_features.py compares the two)."""
    rows = CountVectorizer.transform(counter, texts)
    weights = (np.log(rows.data) + 1.0) * idf[rows.indices]
    place = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    lengths = np.sqrt(np.bincount(place, weights**2, minlength=rows.shape[0]))
    rows.data = np.asarray(weights / lengths[place], dtype=np.float32)
    return rows


def _new_vectorizer(analyzer: str, grams: tuple[int, int], **more: object) -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer=analyzer,
        ngram_range=grams,
        sublinear_tf=True,
        lowercase=False,
        token_pattern=r"\S+" if analyzer == "word" else None,
        dtype=np.float32,
        **more,
    )


def _fitted_vectorizer(
    analyzer: str, grams: tuple[int, int], terms: list[str], idf: Float32Array
) -> TfidfVectorizer:
    counter = _new_vectorizer(
        analyzer, grams, vocabulary={term: at for at, term in enumerate(terms)}
    )
    counter.idf_ = idf
    return counter


def save_weights(
    path: Path,
    features: TfidfFeatures,
    arrays: Mapping[str, NDArray[np.generic]],
    settings: Mapping[str, object],
) -> None:
    """Write one safetensors file: half-precision weights (int8 stays int8), terms and settings as
    JSON in its header."""
    tensors: dict[str, NDArray[np.generic]] = {
        name: np.ascontiguousarray(array, dtype=np.int8 if array.dtype == np.int8 else np.float16)
        for name, array in arrays.items()
    }
    blocks = []
    for at, (analyzer, grams, terms, idf) in enumerate(features.blocks):
        tensors[f"idf.{at}"] = idf.astype(np.float16)
        blocks.append({"analyzer": analyzer, "grams": grams, "terms": terms})
    header = {"settings": json.dumps(settings), "blocks": json.dumps(blocks, ensure_ascii=False)}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata=header)
    path.chmod(0o644)  # safetensors makes it private; another user may run the server


def load_weights(path: Path) -> tuple[TfidfFeatures, dict[str, Float32Array], dict[str, object]]:
    """(features, arrays, settings) of a file that `save_weights` wrote. WeightsError."""
    try:
        with safe_open(path, framework="numpy") as stored:
            header = stored.metadata()
            tensors = {n: stored.get_tensor(n).astype(np.float32) for n in stored.keys()}  # noqa: SIM118
        blocks = [
            (b["analyzer"], tuple(b["grams"]), b["terms"], tensors.pop(f"idf.{at}"))
            for at, b in enumerate(json.loads(header["blocks"]))
        ]
        return TfidfFeatures(blocks), tensors, json.loads(header["settings"])
    except (OSError, SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise WeightsError(
            f"cannot read {path}: {error}; run `hearken train understanding`"
        ) from error
