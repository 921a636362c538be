import gzip
import json

import pytest

from agent.lab.json_lines import JsonLinesCache, read_json_lines

ROWS = [{"text": "one\u2028line"}, [1, 2], "three"]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_rows_are_read_whether_gzipped_or_not(tmp_path, name):
    text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n"
    packed = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    (tmp_path / name).write_bytes(packed)
    assert list(read_json_lines(tmp_path / name)) == ROWS


def opened(path):
    return JsonLinesCache(path, lambda row: (row["key"], row["value"]), _row)


def _row(key, value):
    return {"key": key, "value": value}


def test_a_value_is_computed_once_and_a_line_that_was_cut_short_again(tmp_path):
    path, computed = tmp_path / "deep" / "cache.jsonl", []

    def compute(name):
        return lambda: computed.append(name) or f"{name} is é"

    for _ in range(2):
        cache = opened(path)
        assert [cache.get_or_compute(name, compute(name)) for name in "ab"] == ["a is é", "b is é"]
    assert computed == ["a", "b"]
    path.write_bytes(path.read_bytes()[:-3])  # killed while it wrote
    assert opened(path).get_or_compute("b", compute("b")) == "b is é"
    assert computed == ["a", "b", "b"]
    assert opened(path).values == {"a": "a is é", "b": "b is é"}
