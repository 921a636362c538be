"""Model card of the dialogue breakdown model.

Training writes it beside the weights, so that card and weights cannot drift apart.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from agent.understanding.conversation_features import FEATURE_NAMES, MAX_RECENT_TURNS
from agent.understanding.dialogue_breakdown import BreakdownModel

CARD_TEMPLATE = """# Context: dialogue breakdown

`{name}` (SHA-256 {digest}): a linear model over the customer's words of the last
{recent} turns, fading to {fade:g} of their weight from turn to turn, and over signs of how the
conversation goes.
Its output is the log-odds that this customer is, or will be, annoyed; the shares of words and signs
add up to it. Make it again, beside the weights of `hearken train understanding`:

    hearken train trouble --data DIR

## Data

STAR (Mosig et al. 2020, MIT): {talks} conversations; in {annoyed} of them the customer became
annoyed, as the wizards said afterwards. Words start from their weight in the upset score
(GoEmotions and this project's sentences, see README.md here). Licence of these weights: CC BY-SA
4.0, as of that score.

## Intended use

One piece of evidence among several for handing off to a person. STAR's customers were paid, and
some were told to be difficult: the share of annoyed customers, {share:.1%}, is theirs and not a
bank's, so with another share the log-odds shift by the difference. Some words are those of STAR's
tasks ("flight"). The model is weaker in domains it was not trained on, and weak on turns that
raters of other systems called dissatisfied: `hearken evaluate escalation` prints all three. It must
not be used on employees.

## Signs, and what one unit of each adds

{signs}
"""


def write_card(path: Path, model: BreakdownModel, dialogue_count: int, annoyed_count: int) -> None:
    """Write CONTEXT.md beside the weights at `path`."""
    weighing = [
        (name, float(weight), float(usual))
        for name, weight, usual in zip(
            FEATURE_NAMES, model.feature_weights, model.usual_features, strict=True
        )
        if weight
    ]
    rows = ["| sign | weight | usual value |", "|---|---|---|"]
    rows += [f"| {name} | {weight:+.3f} | {usual:.2f} |" for name, weight, usual in weighing]
    text = CARD_TEMPLATE.format(
        name=path.name,
        digest=hashlib.sha256(path.read_bytes()).hexdigest()[:12],
        recent=MAX_RECENT_TURNS,
        fade=model.word_decay,
        talks=dialogue_count,
        annoyed=annoyed_count,
        share=annoyed_count / dialogue_count,
        signs="\n".join(rows),
    )
    path.with_name("CONTEXT.md").write_text(text, encoding="utf-8")
