"""Random models small enough for every test, in folders that load like real ones.

Owns their configs and their byte-level tokenizer; needs no download.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

WINDOW = 8
MAX_POSITIONS = 512

_SPECIAL = ("<pad>", "<bos>", "<eos>")
_MERGES = (("Ċ", "Ċ"), ("t", "h"), ("th", "e"), ("Ġ", "the"), ("i", "n"), ("e", "r"), ("Ġ", "a"))
_CHAT_TEMPLATE = (
    "{% for m in messages %}<bos>{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def _vocabulary() -> dict[str, int]:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merged = ["".join(pair) for pair in _MERGES]
    return {token: index for index, token in enumerate([*_SPECIAL, *letters, *merged])}


VOCABULARY = len(_vocabulary())

_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": MAX_POSITIONS,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "tie_word_embeddings": True,
}
_MIXED_LAYERS = ["sliding_attention", "full_attention", "sliding_attention"]

FAMILIES: dict[str, Callable[[], PreTrainedConfig]] = {
    "llama": lambda: LlamaConfig(**_SIZES, head_dim=8),
    "qwen2": lambda: Qwen2Config(**_SIZES),
    "qwen3": lambda: Qwen3Config(**_SIZES, head_dim=16),
    "gemma3": lambda: Gemma3TextConfig(
        **_SIZES,
        head_dim=16,
        query_pre_attn_scalar=16,
        sliding_window=WINDOW,
        layer_types=_MIXED_LAYERS,
    ),
    "mistral": lambda: MistralConfig(**_SIZES, head_dim=8, sliding_window=WINDOW),
    "phi3": lambda: Phi3Config(
        **_SIZES,
        sliding_window=WINDOW,
        rope_parameters={
            "rope_type": "default",
            "rope_theta": 10000.0,
            "partial_rotary_factor": 0.5,
        },
    ),
}


def write_tiny_model(folder: Path, family: str, seed: int = 0, *, chat: bool = False) -> Path:
    """Writes config, safetensors and tokenizer of a random `family` model; returns `folder`.

    The same arguments write the same weights. `chat` adds a chat template.
    """
    config = FAMILIES[family]()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        random_model(config).save_pretrained(folder)
    tiny_tokenizer(chat=chat).save_pretrained(folder)
    return folder


def random_model(config: PreTrainedConfig) -> PreTrainedModel:
    """A model with weights from torch's generator as it stands, in evaluation mode."""
    models: Any = AutoModelForCausalLM
    model: PreTrainedModel = models.from_config(config).eval()
    return model


def tiny_tokenizer(*, chat: bool = False) -> PreTrainedTokenizerFast:
    """Byte-level: any text survives, and most characters beyond ASCII take several tokens."""
    tokenizer = Tokenizer(BPE(vocab=_vocabulary(), merges=list(_MERGES)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    build: Any = PreTrainedTokenizerFast
    fast: PreTrainedTokenizerFast = build(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>"
    )
    if chat:
        fast.chat_template = _CHAT_TEMPLATE
    return fast
