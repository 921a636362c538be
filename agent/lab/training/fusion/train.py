"""`hearken train fusion`: trains the word vectors and writes the model card beside them.

Every fusion of `hearken evaluate fusion` reads words through these vectors, so that a user's own
recordings can be compared without the public sets. A minute on one core, 0.7 MB.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from agent.lab.fusion_models.subword_vectors import VECTORS_FILE
from agent.lab.training.fusion.word_vectors import train_vectors, vector_training_texts
from agent.lab.training.understanding.examples import load_examples
from dialogs.pack.loader import load_pack

FOLDER = "fusion"  # below the folder of all weights
CARD_TEMPLATE = """# Fusion: vectors of words

A table of {buckets:,} letter groups by {width} numbers in half precision. A word is the mean of its
letter groups of three to five letters and of the whole word, so every word has a vector, and a
misheard word lies near the right one. `hearken evaluate fusion` puts words, as these vectors,
together with voices. Nothing that serves needs the file.

**Licence: CC BY-SA 4.0**, as its data allows.

## Data

| data | licence | by |
|---|---|---|
| GoEmotions, three quarters of the train split | Apache-2.0 | Demszky et al. 2020 |
| public customer turns, train splits | see understanding/README.md | Banking77, CLINC150, ... |

{sentences:,} sentences; the vectors learn to tell apart 27 emotions and none. Every other sentence
has the recognition errors of a poor line.

## Made by

    hearken train fusion --data DIR

## Limits

- English; how people write on Reddit is not how they speak to a bank.
- A vector depends on its own word alone: irony and "not" are up to the fusion, which sees several.
"""


def train_word_vectors(data: Path, out: Path, console: Console) -> None:
    """Train on the text sets in `data`/text and write vectors and card below `out`."""
    console.print("vectors of words, about a minute", highlight=False)
    texts = vector_training_texts(data / "text", load_examples(data / "text", load_pack()))
    vectors = train_vectors(texts)
    vectors.save(out / FOLDER)
    card = CARD_TEMPLATE.format(buckets=vectors.buckets, width=vectors.width, sentences=len(texts))
    (out / FOLDER / "README.md").write_text(card, encoding="utf-8")
    console.print(f"{out / FOLDER / VECTORS_FILE}", highlight=False)
