import json

import pytest

from agent.lab.json_output import json_value, write_json
from agent.lab.statistics import Estimate


def test_a_report_is_json_without_nan_and_without_digits_that_mean_nothing(tmp_path):
    nothing = float("nan")
    report = {"found": [Estimate(0.1234567, nothing, 1.0, "rows", 3, 3)], "sets": (1, "two", None)}
    told = json_value(report)
    assert told["found"][0]["value"] == 0.12346
    assert told["found"][0]["low"] is None
    assert told["sets"] == [1, "two", None]
    assert json_value(report, decimals=None)["found"][0]["value"] == 0.1234567
    write_json(told, tmp_path / "told.json")
    assert json.loads((tmp_path / "told.json").read_text()) == told
    with pytest.raises(ValueError, match="JSON"):
        write_json({"value": nothing}, tmp_path / "told.json")
