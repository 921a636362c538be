import pytest

from agent.lab.file_cache import load_or_compute


def test_a_result_is_computed_once_and_never_half_there(tmp_path):
    path, computed = tmp_path / "result.txt", []

    def result():
        computed.append(1)
        return "found"

    def save(text, file):
        file.write_text(text)
        assert not path.exists()

    def kept():
        return load_or_compute(path, result, save, lambda file: file.read_text())

    assert kept() == kept() == "found"
    assert computed == [1]
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_no_result(tmp_path):
    def broken():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        load_or_compute(tmp_path / "result", broken, lambda *_: None, lambda _: None)
    assert not (tmp_path / "result").exists()
