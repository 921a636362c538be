import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.text_features import (
    TfidfFeatures,
    WeightsError,
    load_weights,
    plain_text,
    save_weights,
)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Pay $40!", "pay #"),
        ("pay forty dollars", "pay # dollars"),
        ("four four oh one", "#"),
        ("4401", "#"),
        ("one", "#"),
        ("the other one", "the other one"),
        ("two hundred and fifty", "#"),
        ("checking and savings", "checking and savings"),
        ("I don't know…", "i dont know"),
        ("[noise] hi <unk> there", "hi there"),
        ("café", "cafe"),
        ("", ""),
        ("?!", ""),
    ],
)
def test_typed_and_transcribed_look_alike(said, words):
    assert plain_text(said) == words


@given(st.text())
def test_plain_is_idempotent(text):
    assert plain_text(plain_text(text)) == plain_text(text)


@given(st.lists(st.sampled_from(["one", "two", "oh", "and", "the", "#", "7", "o"])).map(" ".join))
def test_plain_is_idempotent_around_numbers(text):
    assert plain_text(plain_text(text)) == plain_text(text)


def test_weights_give_the_same_scores_after_a_trip_to_disk(tmp_path):
    texts = ["check my balance", "balance please", "pay my bill", "pay the bill"]
    features = TfidfFeatures.fit(texts, (("word", (1, 2), 1, 100), ("char_wb", (2, 3), 1, 100)))
    weights = np.linspace(-1, 1, len(features.names)).astype(np.float16).astype(np.float32)
    save_weights(tmp_path / "a.safetensors", features, {"weights": weights}, {"bias": 0.5})
    again, arrays, settings = load_weights(tmp_path / "a.safetensors")
    assert settings == {"bias": 0.5}
    assert again.names == features.names
    before, after = features(texts) @ weights, again(texts) @ arrays["weights"]
    np.testing.assert_allclose(after, before, atol=2e-3)  # idf travels in half precision


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x08\0\0\0\0\0\0\0{}      "])
def test_broken_weights_name_the_file_and_the_remedy(tmp_path, content):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"broken.safetensors.*train understanding"):
        load_weights(path)


@given(st.lists(st.text("ab c1", max_size=12), min_size=1, max_size=4))
def test_rows_are_those_of_the_vectorizer(texts):
    features = TfidfFeatures.fit(["a b", "ab c", "c a b", "b 1"], (("word", (1, 2), 1, 50),))
    (counter,) = features._counters
    ours, its = features(texts), counter.transform(texts)
    np.testing.assert_allclose(ours.toarray(), its.toarray(), atol=1e-6)
