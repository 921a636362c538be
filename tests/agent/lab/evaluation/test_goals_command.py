import json

import pytest

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.goals_command import BEGIN_MARK, END_MARK, show_goals

MET = {"what": "a", "goal": ">= 80 %", "got": 0.8123, "low": 0.7, "high": 0.9, "met": True}
MISSED = {"what": "b", "goal": "<= 5 ms", "got": 7.5, "low": None, "high": None, "met": False}


def written(path, *goals):
    path.write_text(json.dumps({"goals": list(goals)}))
    return path


def test_the_table_goes_between_its_marks_and_nothing_else_changes(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN_MARK}\nold\n{END_MARK}\nafter\n")
    files = [written(tmp_path / "a.json", MET), written(tmp_path / "b.json", MISSED)]
    show_goals(files, page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| a | >= 80 % | 81.2 | 70 to 90 | met |\n| b |" in text
    show_goals(files, page)
    assert page.read_text() == text


def test_what_holds_no_goals_or_no_marks_is_named(tmp_path):
    (tmp_path / "page.md").write_text("no marks")
    with pytest.raises(EvaluationError, match="once each"):
        show_goals([written(tmp_path / "a.json", MET)], tmp_path / "page.md")
    (tmp_path / "b.json").write_text("[]")
    with pytest.raises(EvaluationError, match="holds no goals"):
        show_goals([tmp_path / "b.json"])
