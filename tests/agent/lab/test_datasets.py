import gzip

from agent.lab.datasets import read_goemotions, read_goemotions_texts


def test_goemotions_have_texts_and_named_emotions(tmp_path):
    folder = tmp_path / "goemotions"
    folder.mkdir()
    (folder / "original_labels.txt").write_text("anger\njoy\n")
    with gzip.open(folder / "dev.tsv.gz", "wt", encoding="utf-8") as out:
        out.write("what a day\t1\tid\nso so\x85then\t0,1\tid\n")
    rows = [("what a day", ("joy",)), ("so so\x85then", ("anger", "joy"))]
    assert list(read_goemotions(tmp_path, "dev")) == rows
    assert list(read_goemotions_texts(tmp_path, "dev")) == [text for text, _ in rows]
