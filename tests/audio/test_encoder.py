"""Nobody attends to padding or to what comes after a chunk; weights open as HuBERT's."""

import numpy as np
import pytest
import torch

from audio import torchaudio_guard  # noqa: F401

# isort: split
from transformers import HubertForCTC, HubertModel

from audio.encoder import ChunkedEncoder, frame_count, small_config
from audio.types import FRAME


def tiny(**changes):
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 48}
    conv = {"conv_dim": (8, 16), "num_conv_pos_embeddings": 8}
    reach = {"chunk_frames": 5, "left_frames": 12, "num_conv_pos_embedding_groups": 4}
    return HubertForCTC(small_config(**{**size, **conv, **reach, **changes})).requires_grad_(False)


ENCODER = ChunkedEncoder(tiny().hubert)
SPOKEN = (np.random.default_rng(1).standard_normal(22_000) * 0.1).astype(np.float32)


def offline(samples):
    if not frame_count(len(samples)):
        return [torch.zeros(0, 32)] * 4
    return [layer[0] for layer in ENCODER(torch.from_numpy(samples)[None])]


def test_padding_does_not_change_the_output():
    lengths = [len(SPOKEN), 9000]
    batch = torch.zeros(2, len(SPOKEN))
    batch[0], batch[1, :9000] = torch.from_numpy(SPOKEN), torch.from_numpy(SPOKEN[:9000])
    together = ENCODER(batch, lengths)[-1]
    frames = frame_count(9000)
    torch.testing.assert_close(together[1, :frames], offline(SPOKEN[:9000])[-1], atol=1e-5, rtol=0)


def test_no_frame_knows_what_comes_after_its_chunk():
    changed = SPOKEN.copy()
    changed[9 * FRAME + ENCODER.receptive_field :] = 0  # the second chunk ends with frame 9
    before, after = offline(SPOKEN)[-1], offline(changed)[-1]
    torch.testing.assert_close(before[:10], after[:10], atol=1e-6, rtol=0)
    assert not torch.allclose(before[15:20], after[15:20], atol=1e-3)


HUBERT = {  # the seven convolutions that most checkpoints have
    "conv_dim": (8, 8, 8, 12, 12, 16, 16),
    "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
    "conv_stride": (5, 2, 2, 2, 2, 2, 2),
}


@pytest.mark.parametrize("changes", [{}, HUBERT], ids=["embedded", "hubert"])
def test_convolutions_are_those_of_transformers(changes):
    encoder = ChunkedEncoder(tiny(**changes).hubert)
    sound = torch.from_numpy(SPOKEN)[None]
    theirs = encoder.hubert.feature_extractor(sound).transpose(1, 2)
    torch.testing.assert_close(encoder.extract_features(sound), theirs, atol=1e-5, rtol=1e-4)
    assert theirs.shape[1] == frame_count(len(SPOKEN), encoder.receptive_field)


def test_a_saved_checkpoint_opens_in_transformers(tmp_path):
    tiny().save_pretrained(tmp_path)
    again = ChunkedEncoder(HubertModel.from_pretrained(tmp_path))
    assert (again.window.chunk, again.window.left) == (5, 12)
    sound = torch.from_numpy(SPOKEN)[None]
    with torch.no_grad():
        torch.testing.assert_close(again(sound)[-1][0], offline(SPOKEN)[-1], atol=1e-5, rtol=0)


def test_group_normed_checkpoints_are_refused():
    with pytest.raises(ValueError, match="layer-normed"):
        ChunkedEncoder(tiny(feat_extract_norm="group").hubert)
