"""How is a page of Markdown cut into headings and sentences that can be quoted?

Tables become sentences, one a row; a sentence whose figure is missing is dropped. Held by
tests/dialogs/test_knowledge.py.
"""

from __future__ import annotations

import re

PASSAGE_WORDS = 110
NO_VALUE = "[value not available]"  # a hole in a page: such a sentence says nothing


def renamed(text: str, theirs: str, ours: str) -> str:
    """Their name becomes ours; a product that contains it ("Rho-Bank+") becomes "the bank's"."""
    stem = re.escape(theirs).replace(r"\-", "[-\u2010\u2011 ]?")
    short = re.escape(theirs.split("-")[0])
    text = re.sub(rf"\b(?:https?://)?(?:www\.)?{short.lower()}bank\.com\S*", "our website", text)
    text = re.sub(rf"(?i:\bnon[-\u2011 ]){short}(?:[-\u2011 ]Bank)?\b", "other-bank", text)
    text = re.sub(rf"{stem}(?:\+| Plus\b)", f"{ours} Plus", text)
    return re.sub(rf"{stem}|\b{short}\b(?!\w)", ours, text)


def sections(text: str) -> list[tuple[str, list[str]]]:
    """Headings and the sentences below them; long sections are cut."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in _lines(text):
        if line.startswith("#") or re.fullmatch(r"\*\*[^*]+\*\*:?", line):
            found.append((line.strip("#* :"), []))
            continue
        for sentence in _sentences(line):
            if sum(len(s.split()) for s in found[-1][1]) > PASSAGE_WORDS:
                found.append((found[-1][0], []))
            found[-1][1].append(sentence)
    return [(heading, sentences) for heading, sentences in found if sentences]


def _lines(text: str) -> list[str]:
    """Lines of Markdown; a row of a table reads "first: second, third"."""
    lines: list[str] = []
    head: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if not line.startswith("|"):
            head = []
            lines += [line] if line else []
            continue
        cells = [cell.strip(" *`") for cell in line.strip("|").split("|")]
        if all(set(cell) <= {"-", ":", " "} for cell in cells):
            continue
        if not head:
            head = cells
        elif len(cells) > 2 and len(head) == len(cells):
            pairs = (f"{h} {c}" for h, c in zip(head[1:], cells[1:], strict=True))
            lines.append(f"{cells[0]}: {', '.join(pairs)}.")
        else:
            lines.append(f"{cells[0]}: {', '.join(cells[1:])}.")
    return lines


def _sentences(line: str) -> list[str]:
    line = re.sub(r"^(?:[-*+]|\d+[.)])\s+", "", line)
    line = re.sub(r"\*\*|__|`", "", line)
    parts = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])", line)
    return [part.strip() for part in parts if part.strip() and NO_VALUE not in part]
