"""Understanding of tens of thousands of turns by the shipped models, in a minute or two.

Counting words turn by turn is most of the work, so word counts are computed for all turns at once;
the rest is the code of `TurnUnderstanding`, unchanged. Invariant, held by
tests/agent/lab/evaluation/test_escalation.py: the results equal those of `TurnUnderstanding` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from agent.understanding.text_features import TfidfFeatures, plain_text
from agent.understanding.turn_understanding import TurnUnderstanding
from audio.types import Expectation
from dialogs.values import Understanding

TRANSCRIPT_DATE = date(2026, 1, 5)  # the transcripts have no dates
NO_QUESTION = Expectation()  # nor do they say what the customer was asked


class PrecountedFeatures(TfidfFeatures):
    """The same features, with the rows of known texts computed beforehand."""

    def __init__(self, features: TfidfFeatures, texts: Sequence[str]) -> None:
        super().__init__(features.blocks)
        self._row_of = {text: at for at, text in enumerate(texts)}
        self._rows = super().__call__(texts) if texts else None

    def __call__(self, texts: Sequence[str]) -> csr_matrix:
        places = [self._row_of.get(text, -1) for text in texts]
        if self._rows is None or not places or min(places) < 0:
            return super().__call__(texts)
        return self._rows[places[0]] if len(places) == 1 else self._rows[np.array(places)]


def understand_all(nlu: TurnUnderstanding, texts: Iterable[str]) -> Mapping[str, Understanding]:
    """Understanding of each text as a typed turn that answers no question."""
    known = dict.fromkeys(texts)
    words = list(dict.fromkeys(plain_text(text) for text in known))
    precounted_nlu = replace(
        nlu,
        intents=replace(nlu.intents, features=PrecountedFeatures(nlu.intents.features, words)),
        affect_model=replace(
            nlu.affect_model, features=PrecountedFeatures(nlu.affect_model.features, words)
        ),
    )
    return {
        text: precounted_nlu.understand(text, None, NO_QUESTION, TRANSCRIPT_DATE, 0, 0.0)
        for text in known
    }
