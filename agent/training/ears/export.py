"""How do a training run's best weights become the folder that users open?

The averaged weights in half precision, as a transformers HubertForCTC checkpoint: 11 MB.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from agent.training.ears.batches import LETTERS
from agent.training.ears.spelling import Spelling

LICENCE = "CC BY-SA 4.0"  # the strictest of the training data's


def restored(folder: Path) -> Spelling:
    """The model as the run left it, with its averaged weights."""
    model = Spelling()
    state = torch.load(folder / "letters.pt", weights_only=True)
    model.load_state_dict(state["shadow"])
    return model.eval()


def export_encoder(folder: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    ctc = restored(folder).ctc.half()  # type: ignore[no-untyped-call]
    ctc.config.title = "hearken-ears"
    ctc.config.licence = LICENCE
    ctc.save_pretrained(out)
    (out / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate(LETTERS)}))
    told = {"pad_token": "<pad>", "word_delimiter_token": "|", "do_lower_case": True}
    (out / "tokenizer_config.json").write_text(json.dumps(told, indent=1))
    hears = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": False}
    hears |= {"sampling_rate": 16000, "feature_size": 1, "padding_value": 0.0}
    (out / "preprocessor_config.json").write_text(json.dumps(hears, indent=1))
