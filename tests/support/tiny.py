"""Checkpoints of the structure that lies on the hub, with a few random weights, made in the test.

What they hear means nothing; that they open, what is refused, and what is read out does.
"""

from __future__ import annotations

import json
import shutil

import torch
from tokenizers.pre_tokenizers import ByteLevel

from audio import torchaudio_guard  # noqa: F401

# isort: split
import transformers as hf
from huggingface_hub import constants

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "conv_dim": (8, 8, 8, 8, 8, 16, 16),
}
POSITIONS = {"num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 4}
FAMILIES = {
    "wav2vec2": ("Wav2Vec2", POSITIONS),
    "hubert": ("Hubert", POSITIONS),
    "wavlm": ("WavLM", POSITIONS),
    "unispeech": ("UniSpeech", POSITIONS),
    "unispeech-sat": ("UniSpeechSat", POSITIONS),
    "wav2vec2-conformer": ("Wav2Vec2Conformer", POSITIONS | {"conv_depthwise_kernel_size": 3}),
    "data2vec-audio": ("Data2VecAudio", {"conv_pos_kernel_size": 3}),
}
NORMS = {"group": {}, "layer": {"feat_extract_norm": "layer", "do_stable_layer_norm": True}}
# facebook/wav2vec2-base-960h and most that were fine-tuned like it
BASE_960H = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4} | {
    letter: 5 + i for i, letter in enumerate("ETAONIHSRDLUMWCFGYPBVK'XJQZ")
}


def written(folder, name, told):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(told if isinstance(told, str) else json.dumps(told))


def speller(folder, family="wav2vec2", norm="group", vocabulary=BASE_960H, size=None, **changes):
    """A CTC checkpoint; the model is returned for comparison."""
    torch.manual_seed(1)
    name, shape = FAMILIES[family]
    flat = {k: v for k, v in vocabulary.items() if not isinstance(v, dict)}
    settings = SMALL | shape | NORMS[norm] | {"vocab_size": size or len(flat) or 32} | changes
    model = getattr(hf, f"{name}ForCTC")(getattr(hf, f"{name}Config")(**settings)).eval()
    model.save_pretrained(folder)
    written(folder, "vocab.json", vocabulary)
    written(folder, "preprocessor_config.json", extractor(norm == "layer"))
    return model


def feeler(folder, family="hubert", norm="group", labels=("neu", "hap", "ang", "sad"), **changes):
    torch.manual_seed(2)
    name, shape = FAMILIES[family]
    told = {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "classifier_proj_size": 8,
    }
    config = getattr(hf, f"{name}Config")(**SMALL | shape | NORMS[norm] | told | changes)
    model = getattr(hf, f"{name}ForSequenceClassification")(config).eval()
    model.save_pretrained(folder)
    written(folder, "preprocessor_config.json", extractor(norm == "layer"))
    return model


def extractor(normalise, **changes):
    told = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1}
    return told | {"do_normalize": normalise, "sampling_rate": 16000, "padding_value": 0} | changes


def says(model, *outputs):
    """Make a CTC model give these outputs, likeliest first, in every frame."""
    with torch.no_grad():
        model.lm_head.weight.zero_()
        model.lm_head.bias.fill_(-20)
        for place, output in enumerate(outputs):
            model.lm_head.bias[output] = 20 - 5 * place


def in_cache(cache, name, folder, monkeypatch):
    """`folder` as if it had been pulled from the hub as `name`."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    home = cache / f"models--{name.replace('/', '--')}"
    shutil.copytree(folder, home / "snapshots" / "c0ffee")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("c0ffee")


# -- models that write down whole turns --------------------------------------------------------

ENDS = "<|endoftext|>"
WHISPER_TOKENS = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")
SENTENCE = (" Hello", ",", " I", " lost", " my", " card", ".")


def vocabulary_of(pieces):
    """A byte-level BPE vocabulary that has these pieces, and the merges that make them."""
    tokens = {letter: i for i, letter in enumerate(sorted(ByteLevel.alphabet()))}
    merges = []
    for piece in pieces:
        made, *rest = piece.replace(" ", "\u0120")
        for letter in rest:
            if (made, letter) not in merges:
                merges.append((made, letter))
            made += letter
            tokens.setdefault(made, len(tokens))
    return tokens, merges


def chained(model, embedding, tokens, surely):
    """Make a decoder say `tokens` one after the other: each token's embedding, which is all that
    its emptied layers hand on, points at the one that follows it."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "decoder" in name and name.endswith(
                ("out_proj.weight", "o_proj.weight", "fc2.weight")
            ):
                weight.zero_()
            if "decoder" in name and name.endswith(("out_proj.bias", "fc2.bias")):
                weight.zero_()
            if "decoder.embed_positions" in name:
                weight.zero_()
        head = model.get_output_embeddings().weight
        codes = torch.randn(embedding.shape, generator=torch.Generator().manual_seed(7))
        embedding.copy_(codes)
        head.zero_()
        for now, following in zip(tokens, tokens[1:], strict=False):
            head[following] += surely * torch.nn.functional.layer_norm(codes[now], codes[now].shape)


def whisper(folder, sentence=SENTENCE, aligned=True, multilingual=True, chunk_s=3, surely=3.0):
    """Hears 3 s at a time instead of 30. `sentence` None: random weights."""
    torch.manual_seed(3)
    vocab, merges = vocabulary_of(sentence or SENTENCE)
    tokenizer = hf.WhisperTokenizer(vocab=vocab, merges=merges)
    tokenizer.add_special_tokens({"additional_special_tokens": list(WHISPER_TOKENS)})
    number = tokenizer.convert_tokens_to_ids
    begin, language, task, untimed = map(number, WHISPER_TOKENS)
    config = hf.WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=64,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_source_positions=50 * chunk_s,
        max_target_positions=64,
        tie_word_embeddings=sentence is None,
        decoder_start_token_id=begin,
        **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), number(ENDS)),
    )
    model = hf.WhisperForConditionalGeneration(config)
    if sentence is not None:
        said = [number(piece.replace(" ", "\u0120")) for piece in sentence]
        chained(
            model, model.model.decoder.embed_tokens.weight, [untimed, *said, number(ENDS)], surely
        )
    model.save_pretrained(folder)
    # as openai's own: settings of generation in config.json too, which transformers now refuses
    old = json.loads((folder / "config.json").read_text())
    old |= {"max_length": 448, "forced_decoder_ids": [[1, language], [2, task], [3, untimed]]}
    old |= {"suppress_tokens": [1, 2], "begin_suppress_tokens": [3, number(ENDS)]}
    written(folder, "config.json", old)
    tokenizer.save_pretrained(folder)
    hf.WhisperFeatureExtractor(chunk_length=chunk_s).save_pretrained(folder)
    told = {
        "max_length": 448,
        "decoder_start_token_id": begin,
        "no_timestamps_token_id": untimed,
        "is_multilingual": multilingual,
        "suppress_tokens": [],
        "begin_suppress_tokens": [],
        **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), number(ENDS)),
    }
    if aligned:
        told["alignment_heads"] = [[0, 0], [0, 1]]
    if multilingual:
        told |= {"lang_to_id": {"<|en|>": language}, "task_to_id": {"transcribe": task}}
    written(folder, "generation_config.json", told)
    return model


def moonshine(folder, sentence=SENTENCE, surely=3.0, ends=True):
    torch.manual_seed(4)
    vocab, merges = vocabulary_of(sentence or SENTENCE)
    specials = ["<unk>", "<s>", "</s>"]
    vocab = {token: i for i, token in enumerate([*specials, *vocab])}
    inner = hf.GPT2Tokenizer(vocab=vocab, merges=merges)._tokenizer
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    config = hf.MoonshineConfig(
        vocab_size=len(vocab),
        hidden_size=64,
        intermediate_size=64,
        encoder_num_hidden_layers=1,
        decoder_num_hidden_layers=1,
        encoder_num_attention_heads=2,
        decoder_num_attention_heads=2,
        tie_word_embeddings=sentence is None,
    )
    model = hf.MoonshineForConditionalGeneration(config)
    if sentence is not None:
        said = [vocab[piece.replace(" ", "\u0120")] for piece in sentence]
        chained(
            model,
            model.model.decoder.embed_tokens.weight,
            [1, *said, *([2] if ends else [])],
            surely,
        )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    written(folder, "preprocessor_config.json", extractor(False))
    return model


def bert(folder):
    """A BERT for sentences, with a vocabulary of letters and a few words."""
    words = [
        "pay",
        "my",
        "bill",
        "i",
        "lost",
        "card",
        "and",
        "need",
        "to",
        "have",
        "it",
        "blocked",
        "at",
        "once",
        "hello",
    ]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    pieces += [sign + letter for letter in "abcdefghijklmnopqrstuvwxyz" for sign in ("", "##")]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    torch.manual_seed(0)
    config = hf.BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
    )
    hf.BertModel(config).save_pretrained(folder)
    hf.BertTokenizer(vocab={piece: at for at, piece in enumerate(pieces)}).save_pretrained(folder)
    return folder
