"""Checkpoint files on this machine: look-up, kind, licence, checksum and download.

Handles files and names, not models: nothing here imports torch. A name is looked up in the cache
of the Hugging Face hub and never on the network; only `fetch` uses the network, when a person asks
for it (`hearken models pull`). Held by tests/agent/cli/test_models.py and
tests/audio/test_checkpoints.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from huggingface_hub import (
    HfApi,
    constants,
    hf_hub_download,
    metadata_load,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (  # type: ignore[attr-defined]
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # of the HTTP library that the hub's client uses
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from yaml import YAMLError  # type: ignore[import-untyped]

from audio.model_info import CheckpointKind as CheckpointKind  # re-exported
from audio.types import AudioError

# Encoders over raw 16 kHz audio that share wav2vec2's shape, by transformers' `model_type`.
AUDIO_ENCODER_TYPES = frozenset(
    {"wav2vec2", "hubert", "wavlm", "wav2vec2-conformer", "data2vec-audio", "unispeech"}
    | {"unispeech-sat"}
)
SEQ2SEQ_TYPES = frozenset({"whisper", "moonshine"})
CTRANSLATE2_FILE = "model.bin"  # the weights of a Whisper model as faster-whisper has it
# Encoders of written sentences.
TEXT_ENCODER_TYPES = frozenset(
    {"albert", "bert", "distilbert", "electra", "mpnet", "roberta", "xlm-roberta"}
)

# Weights in the order in which transformers looks for them.
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    CTRANSLATE2_FILE,
)
# The other files of a checkpoint: no other framework's weights, no training log.
_OTHER_FILES = (
    *("config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json"),
    *("vocab.json", "merges.txt", "normalizer.json", "added_tokens.json", "tokenizer.json"),
    *("tokenizer_config.json", "special_tokens_map.json", "README.md", "LICENSE*"),
    *("vocabulary.txt", "vocabulary.json"),
    *("vocab.txt", "sentencepiece.bpe.model", "spiece.model", "1_Pooling/config.json"),
)


class CheckpointError(AudioError):
    """A checkpoint that cannot be found, fetched or used; the text says what was looked for."""


def kind_of(config: Mapping[str, Any]) -> CheckpointKind | None:
    """The use of a checkpoint with this config.json; None when it has none here."""
    heads: Sequence[str] = config.get("architectures") or ()
    model = config.get("model_type")
    if is_ctranslate2_whisper(config):
        return "whole turns"
    if model in AUDIO_ENCODER_TYPES and any(head.endswith("ForCTC") for head in heads):
        return "letters"
    if model in AUDIO_ENCODER_TYPES and any(
        head.endswith("ForSequenceClassification") for head in heads
    ):
        return "feelings"
    if model in SEQ2SEQ_TYPES and any(head.endswith("ForConditionalGeneration") for head in heads):
        return "whole turns"
    if model in TEXT_ENCODER_TYPES:
        return "sentences"
    return None


def is_ctranslate2_whisper(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is that of a Whisper model on CTranslate2: it names no architecture,
    but the heads that align words."""
    return "alignment_heads" in config and "model_type" not in config


def find_folder(name: str) -> Path:
    """The folder of a checkpoint by its path or its name. CheckpointError when it is not here."""
    folder = Path(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise CheckpointError(f"the folder {name!r} holds no config.json, so no checkpoint")
        return folder
    try:
        config = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        raise CheckpointError(f"there is no folder {name!r}, and no name looks like it") from None
    if not isinstance(config, str):
        raise CheckpointError(
            f"no checkpoint {name!r} on this machine; `hearken models pull {name}` "
            "fetches it on purpose"
        )
    return Path(config).parent


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object of a file. CheckpointError, with its path, when it holds none."""
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise CheckpointError(f"{path} cannot be read as JSON: {problem}") from None
    if not isinstance(parsed, dict):
        raise CheckpointError(f"{path} should hold a JSON object")
    return parsed


def cached_names() -> list[str]:
    """Names of all models in the hub's cache, usable here or not."""
    folders = sorted(Path(constants.HF_HUB_CACHE).glob("models--*"))
    return [folder.name.removeprefix("models--").replace("--", "/", 1) for folder in folders]


def weight_files(folder: Path) -> list[Path]:
    """The weight files that transformers would open; none when some of them are missing."""
    for name in WEIGHT_FILES:
        path = folder / name
        if not path.is_file():
            continue
        if path.suffix != ".json":
            return [path]
        shards = sorted({str(shard) for shard in read_json(path).get("weight_map", {}).values()})
        files = [folder / shard for shard in shards]
        return files if all(file.is_file() for file in files) else []
    return []


def short_sha256(*files: Path) -> str:
    """The first twelve digits of the SHA-256 of these files, one after the other."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            while piece := opened.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()[:12]


def find_licence(folder: Path) -> str:
    """The licence of a checkpoint, by its config.json (embedded models) or its model card."""
    if ours := read_json(folder / "config.json").get("licence"):
        return str(ours)
    card = folder / "README.md"
    if not card.is_file():
        return "no model card, licence unknown"
    try:
        metadata: Mapping[str, Any] = metadata_load(card) or {}
    except (ValueError, YAMLError):
        metadata = {}
    licence = metadata.get("license_name") or metadata.get("license")
    if isinstance(licence, list):
        licence = ", ".join(str(one) for one in licence)
    return str(licence) if licence else "licence not named on its model card"


def needed_files(files: Iterable[str]) -> list[str]:
    """The files of a repository that make up its checkpoint. CheckpointError without weights."""
    available = set(files)
    chosen = {file for file in available if any(fnmatch(file, pattern) for pattern in _OTHER_FILES)}
    weights = next((name for name in WEIGHT_FILES if name in available), None)
    if weights is None:
        raise CheckpointError("it holds no model.safetensors and no pytorch_model.bin")
    chosen.add(weights)
    if weights.endswith(".json"):
        stem, ending = weights.removesuffix(".index.json").rsplit(".", 1)
        chosen |= {file for file in available if fnmatch(file, f"{stem}-*-of-*.{ending}")}
    return sorted(chosen)


def fetch(name: str) -> Path:
    """Download a checkpoint's files, with progress on stderr; their folder.

    Its config.json comes first: an unusable checkpoint is refused before it costs gigabytes.
    CheckpointError for every failure.
    """
    try:
        info = HfApi().model_info(name)
        files = [one.rfilename for one in info.siblings or ()]
        if "config.json" not in files:
            raise CheckpointError(f"{name!r} on the hub has no config.json: no transformers model")
        config = read_json(Path(hf_hub_download(name, "config.json", revision=info.sha)))
        if kind_of(config) is None:
            raise CheckpointError(unusable_reason(name, config))
        return Path(snapshot_download(name, allow_patterns=needed_files(files)))
    except OfflineModeIsEnabled:
        reason = "the network is switched off (HF_HUB_OFFLINE is set)"
    except GatedRepoError:
        reason = f"its owner wants you to accept terms first, at https://huggingface.co/{name}"
    except RepositoryNotFoundError:
        reason = "the hub knows no such model, or does not show it to you"
    except HFValidationError:
        reason = "this is no folder, and not the form of a hub name (owner/model)"
    except HfHubHTTPError as refused:
        reason = f"the hub answered {refused.response.status_code}"
    except (HTTPError, LocalEntryNotFoundError, ConnectionError):
        reason = f"{constants.ENDPOINT} cannot be reached"
    raise CheckpointError(f"cannot fetch {name!r}: {reason}")


def unusable_reason(name: str, config: Mapping[str, Any]) -> str:
    """The reason why a checkpoint for which `kind_of` is None cannot be used."""
    heads = ", ".join(config.get("architectures") or ()) or "no architecture"
    model = config.get("model_type", "no model_type")
    if model in AUDIO_ENCODER_TYPES:
        return (
            f"{name!r} ({heads}) has neither a CTC head nor a sequence-classification head: "
            "it was only pretrained and must be fine-tuned first"
        )
    known = ", ".join(sorted(AUDIO_ENCODER_TYPES | TEXT_ENCODER_TYPES | SEQ2SEQ_TYPES))
    return f"{name!r} is a {model} model ({heads}); these can be used here: {known}"
