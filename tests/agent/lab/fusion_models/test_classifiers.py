"""Judges of words and voice: company changes nothing, absence is defined, capacities match."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.lab.fusion_models.classifiers import (
    FUSED_KINDS,
    FUSION_KINDS,
    FusionClassifier,
    TurnBatch,
    parameter_count,
)
from agent.lab.fusion_models.subword_vectors import SubwordVectors
from agent.lab.training.fusion.voice_frames import FRAME_WIDTH
from agent.understanding.text_features import WeightsError

WORDS, FRAMES = 40, 30


def fuser(kind, seed=0):
    torch.manual_seed(seed)
    return FusionClassifier(kind, WORDS, FRAMES).eval()


def turn(words, frames, seed=1):
    made = torch.Generator().manual_seed(seed)
    return (
        torch.randn(words, WORDS, generator=made),
        torch.randn(frames, FRAMES, generator=made),
    )


lengths = st.tuples(st.integers(0, 9), st.integers(0, 12))


@pytest.mark.parametrize("kind", FUSION_KINDS)
@settings(deadline=None, max_examples=10)
@given(own=lengths, others=st.lists(lengths, max_size=4))
def test_padding_and_company_change_no_verdict(kind, own, others):
    judge, mine = fuser(kind), turn(*own)
    with torch.inference_mode():
        alone = judge(TurnBatch.from_pairs([mine]))[0]
        company = [turn(*length, seed=at + 5) for at, length in enumerate(others)]
        among = judge(TurnBatch.from_pairs([*company, mine]))[-1]
    assert torch.isfinite(alone).all()
    torch.testing.assert_close(alone, among, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", FUSED_KINDS)
def test_what_is_absent_has_no_say(kind):
    """Absent, whatever stands there: the verdict is that of the other alone."""
    judge = fuser(kind)
    gone = torch.tensor([True])
    (words, frames), (other_words, other_frames) = turn(4, 5), turn(4, 5, seed=2)
    with torch.inference_mode():
        no_words = judge(TurnBatch.from_pairs([(words, frames)]).without_modality(gone, ~gone))
        other = judge(TurnBatch.from_pairs([(other_words, frames)]).without_modality(gone, ~gone))
        torch.testing.assert_close(no_words, other)
        torch.testing.assert_close(no_words, judge(TurnBatch.from_pairs([(words[:0], frames)])))
        no_voice = judge(TurnBatch.from_pairs([(words, frames)]).without_modality(~gone, gone))
        other = judge(TurnBatch.from_pairs([(words, other_frames)]).without_modality(~gone, gone))
        torch.testing.assert_close(no_voice, other)
        assert not torch.allclose(no_voice, no_words)


@pytest.mark.parametrize("kind", FUSION_KINDS)
def test_every_parameter_learns(kind):
    torch.manual_seed(0)
    judge = FusionClassifier(kind, WORDS, FRAMES).train()
    judge(TurnBatch.from_pairs([turn(3, 4), turn(5, 2, seed=2)])).square().sum().backward()
    for name, weight in judge.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name


def test_capacities_match():
    counts = [parameter_count(FusionClassifier(kind, 40, FRAME_WIDTH)) for kind in FUSION_KINDS]
    assert max(counts) < 1.02 * min(counts)


def test_decision_level_adds_log_odds():
    judge, (words, frames) = fuser("decision"), turn(4, 6)
    with torch.inference_mode():
        both = judge(TurnBatch.from_pairs([(words, frames)]))
        said = judge(TurnBatch.from_pairs([(words, frames[:0])]))
        sounded = judge(TurnBatch.from_pairs([(words[:0], frames)]))
        nothing = judge(TurnBatch.from_pairs([(words[:0], frames[:0])]))
    torch.testing.assert_close(both - nothing, (said - nothing) + (sounded - nothing))


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_word_has_a_vector_of_its_own(one, other):
    torch.manual_seed(0)
    vectors = SubwordVectors(64, 8)
    with torch.inference_mode():
        together, alone = vectors([one, other]), vectors([one])
    assert together.isfinite().all()
    torch.testing.assert_close(together[0], alone[0])


def test_a_misheard_word_lies_near():
    torch.manual_seed(0)
    vectors = SubwordVectors()
    with torch.inference_mode():
        right, wrong, other = vectors(["ridiculous", "ridiculus", "mortgage"])
    assert (right - wrong).norm() < (right - other).norm()


def test_vectors_come_back_from_disk(tmp_path):
    vectors = SubwordVectors(32, 4)
    vectors.save(tmp_path)
    with torch.inference_mode():
        before, after = vectors(["card"]), SubwordVectors.load(tmp_path)(["card"])
    torch.testing.assert_close(before, after, atol=1e-2, rtol=1e-2)
    with pytest.raises(WeightsError, match="hearken train fusion"):
        SubwordVectors.load(tmp_path / "nowhere")
