"""`python -m tests.bench.knowledge [TAU2_FOLDER]`: are questions answered from the right page?

Our own questions name the product the answer is about and a fragment the answer must have; those
without a product must not be answered. With a folder holding `banking_tasks.jsonl.gz`, also: for
how many tasks is a page that the task needs among the first passages, the task's text as query.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from pathlib import Path

from dialogs.knowledge.retrieval import Knowledge
from tests.support.packs import bank_pack

QUESTIONS = Path(__file__).parents[1] / "data" / "bank_questions.jsonl"


def own(knowledge: Knowledge, talk: bool = True) -> dict[str, float]:
    first = five = answered = right = false = asked = outside = 0
    for line in QUESTIONS.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        found = knowledge.find_answer(case["question"])
        if not case["subject"]:
            outside += 1
            false += found is not None
            if talk and found:
                print(
                    f"FALSE {case['question']}: {found.coverage:.2f} {found.score:.1f} {found.text}"
                )
            continue
        asked += 1
        ranked = [p.source.title for p, _ in knowledge.rank_passages(case["question"], 5)]
        about = case["subject"].removesuffix(" business checking account").lower()
        hits = [about in title.lower() for title in ranked]
        first += bool(hits and hits[0])
        five += any(hits)
        answered += found is not None
        good = found is not None and case["has"].lower() in found.text.lower()
        right += good
        if talk and not good:
            said = (
                f"{found.coverage:.2f} {found.score:.1f} [{found.source.title}] {found.text}"
                if found
                else ranked[:2]
            )
            print(f"MISSED {case['question']} ({case['has']}): {said}")
    return {
        "product in first": first / asked,
        "product in first five": five / asked,
        "answered": answered / asked,
        "answer has the fact": right / asked,
        "outside, wrongly answered": false / outside,
    }


def tau2(knowledge: Knowledge, folder: Path) -> dict[str, float]:
    shipped = {passage.source.id for passage in knowledge.passages}
    asked = first = five = 0
    with gzip.open(folder / "banking_tasks.jsonl.gz", "rt", encoding="utf-8") as lines:
        for task in map(json.loads, lines):
            needed = set(task["required_documents"]) & shipped
            if not needed:
                continue
            asked += 1
            text = str(task["user_scenario"]["instructions"])
            ranked = [p.source.id for p, _ in knowledge.rank_passages(text, 30)]
            pages = list(dict.fromkeys(ranked))
            first += pages[:1] != [] and pages[0] in needed
            five += bool(needed & set(pages[:5]))
    return {"tasks": asked, "a needed page first": first / asked, "in five": five / asked}


def main() -> None:
    knowledge = bank_pack().knowledge
    began = time.perf_counter()
    figures = own(knowledge)
    lines = len(QUESTIONS.read_text(encoding="utf-8").splitlines())
    print(f"{(time.perf_counter() - began) / lines / 2 * 1000:.2f} ms a question")
    if len(sys.argv) > 1:
        figures |= {
            f"tau2 {name}": value for name, value in tau2(knowledge, Path(sys.argv[1])).items()
        }
    for name, value in figures.items():
        print(f"{name:28} {value:.3f}")


if __name__ == "__main__":
    main()
