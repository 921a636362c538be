"""Splitting of Markdown pages into headings and quotable sentences.

Each table row becomes one sentence; a sentence with a missing figure is dropped. Held by
tests/dialogs/knowledge/test_retrieval.py.
"""

from __future__ import annotations

import re

MAX_PASSAGE_WORDS = 110
# marks a missing figure; its sentence cannot be quoted
MISSING_VALUE_MARK = "[value not available]"


def replace_bank_name(text: str, original_name: str, bank_name: str) -> str:
    """`text` with the bank's `original_name` replaced by `bank_name`.

    "Rho-Bank+" becomes "`bank_name` Plus", its web addresses "our website".
    """
    stem = re.escape(original_name).replace(r"\-", "[-\u2010\u2011 ]?")
    short = re.escape(original_name.split("-")[0])
    if not re.search(short, text, re.IGNORECASE):
        return text  # most texts: every pattern below contains it
    text = re.sub(rf"\b(?:https?://)?(?:www\.)?{short.lower()}bank\.com\S*", "our website", text)
    text = re.sub(rf"(?i:\bnon[-\u2011 ]){short}(?:[-\u2011 ]Bank)?\b", "other-bank", text)
    text = re.sub(rf"{stem}(?:\+| Plus\b)", f"{bank_name} Plus", text)
    return re.sub(rf"{stem}|\b{short}\b(?!\w)", bank_name, text)


def markdown_sections(text: str) -> list[tuple[str, list[str]]]:
    """Headings with the sentences below them; a long section is split under the same heading."""
    headed_sentences: list[tuple[str, list[str]]] = [("", [])]
    for line in _text_lines(text):
        if line.startswith("#") or re.fullmatch(r"\*\*[^*]+\*\*:?", line):
            headed_sentences.append((line.strip("#* :"), []))
            continue
        for sentence in _sentences(line):
            if sum(len(s.split()) for s in headed_sentences[-1][1]) > MAX_PASSAGE_WORDS:
                headed_sentences.append((headed_sentences[-1][0], []))
            headed_sentences[-1][1].append(sentence)
    return [(heading, sentences) for heading, sentences in headed_sentences if sentences]


def _text_lines(text: str) -> list[str]:
    """Non-empty lines of Markdown; a table row becomes "first: second, third."."""
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
    return [part.strip() for part in parts if part.strip() and MISSING_VALUE_MARK not in part]
