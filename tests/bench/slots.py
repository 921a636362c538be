"""`python -m tests.bench.slots FOLDER`: how often are numbers, dates and money found right?

FOLDER holds `itn_en/pairs.jsonl.gz` (the test pairs of NeMo text processing) and
`nlupp/banking.jsonl.gz` (NLU++ by PolyAI). Prints right / asked for each kind, the mistakes with
--mistakes, and the time taken.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from audio.types import Expectation
from dialogs.extraction.dates import find_dates
from dialogs.extraction.number_items import read_items
from dialogs.extraction.numbers import find_numbers
from dialogs.extraction.slots import extract
from dialogs.extraction.times import find_times
from dialogs.pack.model import Pack
from tests.support.packs import bank_pack

NLUPP_TODAY = date(2022, 3, 15)  # the day its relative dates count from
ITN_TODAY = date(2010, 1, 1)
Case = tuple[str, str, str, str, str]  # source, kind, text, wanted, found


def lines(file: Path) -> Iterator[dict]:
    with gzip.open(file, "rt", encoding="utf-8") as text:
        yield from map(json.loads, text)


def itn(folder: Path, pack: Pack) -> Iterator[Case]:
    for pair in lines(folder / "itn_en" / "pairs.jsonl.gz"):
        spoken, written = pair["spoken"], pair["written"]
        if pair["task"] != "itn" or not spoken:
            continue
        match pair["cls"]:
            case "cardinal" if re.fullmatch(r"\d+", written):
                found = find_numbers(spoken.lower())
                amount = found[0].amount() if len(found) == 1 else None
                yield "itn", "number", spoken, written, f"{amount:f}" if amount is not None else ""
            case "money" if re.fullmatch(r"\$[\d.]+", written):
                wanted = f"{Decimal(written[1:]):.2f}"
                yield "itn", "money", spoken, wanted, _first(spoken, pack, "amount", ITN_TODAY)
            case "telephone" if re.fullmatch(r"[\d-]+", written):
                said = extract(spoken, pack, Expectation("digits"), ITN_TODAY)
                got = "".join(slot.value for slot in said)
                yield "itn", "digits", spoken, written.replace("-", ""), got
            case "time" if re.fullmatch(r"\d\d:\d\d", written):
                found_times = find_times(read_items(spoken), is_expected=True, office_hours=False)
                got = found_times[0].value if found_times else ""
                yield "itn", "time", spoken, written, got
            case "date" if (day := _written_date(written)) is not None:
                yield "itn", "date", spoken, day, _first(spoken, pack, "date", ITN_TODAY)


def _written_date(written: str) -> str | None:
    """Only whole days: "july 25 2012"."""
    months = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905
    match = re.fullmatch(r"([a-z]+) (\d{1,2}),? (\d{4})|(\d{1,2}) ([a-z]+) (\d{4})", written)
    if not match:
        return None
    month, day, year = (
        (match[1], match[2], match[3]) if match[1] else (match[5], match[4], match[6])
    )
    if month[:3] not in months:
        return None
    return date(int(year), months.index(month[:3]) + 1, int(day)).isoformat()


def _first(text: str, pack: Pack, name: str, today: date) -> str:
    kind = "date" if name == "date" else "open"
    found = extract(text, pack, Expectation(kind), today)
    return next((slot.value for slot in found if slot.name == name), "")


def nlupp(folder: Path, pack: Pack) -> Iterator[Case]:
    for line in lines(folder / "nlupp" / "banking.jsonl.gz"):
        for name, slot in line.get("slots", {}).items():
            value = slot.get("value") or {}
            if name in {"date", "date_from", "date_to"} and "year" in value:
                wanted = date(value["year"], value["month"], value["day"]).isoformat()
                yield "nlu++", "date", line["text"], wanted, _near(line["text"], pack, slot, "date")
            elif name in {"time", "time_from", "time_to"} and "hour" in value:
                wanted = f"{value['hour']:02d}:{value['minute']:02d}"
                yield "nlu++", "time", line["text"], wanted, _near(line["text"], pack, slot, "time")
            elif name == "amount_of_money":
                wanted = f"{Decimal(str(value['amount'])):.2f}"
                found = extract(line["text"], pack, Expectation("amount"), NLUPP_TODAY)
                values = [s.value for s in found if s.name == "amount"]
                got = wanted if wanted in values else (values or [""])[0]
                yield "nlu++", "money", line["text"], wanted, got


def _near(text: str, pack: Pack, slot: dict, name: str) -> str:
    """The value found where the slot is marked; half a day is forgiven to a time."""
    low = text.lower()
    items = read_items(low)
    times = find_times(items, is_expected=True, office_hours=False)
    spans = find_dates(items, NLUPP_TODAY, times, True) if name == "date" else times
    start, end = slot["span"]
    hits = [s.value for s in spans if s.start < end and start < s.end]
    return hits[0] if hits else ""


def same(kind: str, wanted: str, found: str) -> bool:
    if kind != "time" or not found:
        return wanted == found
    hour, minute = wanted.split(":")
    return found in {wanted, f"{(int(hour) + 12) % 24:02d}:{minute}"}


def main() -> None:
    folder, pack = Path(sys.argv[1]), bank_pack()
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for source, kind, text, wanted, found in [*itn(folder, pack), *nlupp(folder, pack)]:
        right = same(kind, wanted, found)
        counts[source, kind][0] += right
        counts[source, kind][1] += 1
        if not right and "--mistakes" in sys.argv:
            print(f"{source} {kind}: {text!r} wanted {wanted!r} found {found!r}")
    for (source, kind), (right, asked) in sorted(counts.items()):
        print(f"{source:6} {kind:8} {right:4d} / {asked:<4d} {right / asked:.1%}")
    texts = [line["text"] for line in lines(folder / "nlupp" / "banking.jsonl.gz")]
    began = time.perf_counter()
    for text in texts:
        extract(text, pack, Expectation(), NLUPP_TODAY)
    print(f"{(time.perf_counter() - began) / len(texts) * 1000:.2f} ms a sentence")


if __name__ == "__main__":
    main()
