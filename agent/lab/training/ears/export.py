"""Export of a training run's averaged weights as the checkpoint folder that users open.

A transformers HubertForCTC checkpoint in half precision, 11 MB.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from agent.lab.training.ears.batches import LETTERS
from agent.lab.training.ears.ctc_model import CtcTrainingModel
from audio.phones import PHONE_HEAD_FILE

LICENCE = "CC BY-SA 4.0"  # the strictest of the training data's


def load_averaged_model(folder: Path) -> CtcTrainingModel:
    """The run's model with its averaged weights."""
    model = CtcTrainingModel()
    state = torch.load(folder / "letters.pt", weights_only=True)
    model.load_state_dict(state["shadow"])
    return model.eval()


def training_totals(folder: Path) -> tuple[float, int]:
    """(seconds, steps) so far, including the earlier trainings that this one continued."""
    state = torch.load(folder / "letters.pt", weights_only=True)
    (spent_s, steps, _), earlier = state["counters"], state["before"]
    return spent_s + earlier[0], steps + earlier[1]


def export_encoder(folder: Path, out: Path) -> None:
    """Write the run in `folder` as a checkpoint folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    model = load_averaged_model(folder)
    ctc = model.ctc.half()  # type: ignore[no-untyped-call]
    ctc.config.title = "hearken-ears"
    ctc.config.licence = LICENCE
    ctc.config.trained_s, ctc.config.trained_steps = training_totals(folder)
    ctc.save_pretrained(out)
    phones = {k: v.half().contiguous() for k, v in model.phone_head.state_dict().items()}
    save_file(phones, out / PHONE_HEAD_FILE)
    (out / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate(LETTERS)}))
    tokenizer_config = {"pad_token": "<pad>", "word_delimiter_token": "|", "do_lower_case": True}
    (out / "tokenizer_config.json").write_text(json.dumps(tokenizer_config, indent=1))
    preprocessor_config = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "do_normalize": False,
    }
    preprocessor_config |= {"sampling_rate": 16000, "feature_size": 1, "padding_value": 0.0}
    (out / "preprocessor_config.json").write_text(json.dumps(preprocessor_config, indent=1))
