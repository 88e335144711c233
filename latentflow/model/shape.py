"""A model's shape, read from its config and never guessed from its name.

Owns the decision which models can take part; knows nothing of weights.
"""

from dataclasses import dataclass

from transformers import PreTrainedConfig

from latentflow.errors import InvalidInput, UnsupportedModel

FULL_ATTENTION = "full_attention"
SLIDING_ATTENTION = "sliding_attention"

_POSITION_DEPENDENT_ROPE = ("dynamic", "longrope")
# What a config may say of itself only in these values.
_HARMLESS: dict[str, tuple[object, ...]] = {
    "num_kv_shared_layers": (None, 0),
    "use_bidirectional_attention": (None, False),
    "logits_scaling": (None, 1.0),
    "logit_scale": (None, 1.0),
}
_FOREIGN_FIELDS = {
    "kv_lora_rank": "its cache is latent attention (MLA), not keys and values a head",
    "vision_config": "it is not text only",
    "audio_config": "it is not text only",
    "attention_chunk_size": "it attends in chunks",
    "num_kv_shared_layers": "its layers share one cache",
    "no_rope_layers": "some of its layers have no positions",
    "use_bidirectional_attention": "it attends in both directions",
    "logits_scaling": "it scales its logits",
    "logit_scale": "it scales its logits",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """Sizes of a decoder whose layers all keep keys and values of one shape.

    `sliding_windows[l]` is the number of positions layer l sees, itself included; None for all.
    `max_positions` is how many positions share one set of rotary frequencies.
    """

    layers: int
    kv_heads: int
    head_dim: int
    attention_heads: int
    hidden_size: int
    vocabulary: int
    max_positions: int
    sliding_windows: tuple[int | None, ...]

    def __post_init__(self) -> None:
        sizes = [self.layers, self.kv_heads, self.head_dim, self.attention_heads]
        sizes += [self.hidden_size, self.vocabulary, self.max_positions]
        if min(sizes) < 1:
            raise InvalidInput(field="shape", problem="every size must be at least 1")
        if len(self.sliding_windows) != self.layers:
            raise InvalidInput(field="sliding_windows", problem="must name every layer")

    @property
    def kv_width(self) -> int:
        """Values of one token's keys in one layer: heads times head_dim."""
        return self.kv_heads * self.head_dim


def shape_of(config: PreTrainedConfig) -> ModelShape:
    """Raises UnsupportedModel, with the reason, where `config` has no plain KV cache."""
    model = str(config.model_type)
    try:
        return _shape(config, model)
    except AttributeError as error:
        raise UnsupportedModel(model=model, problem=f"its config: {error}") from error


def _shape(config: PreTrainedConfig, model: str) -> ModelShape:
    _require_decoder(config, model)
    _require_rotary(config, model)
    heads = int(config.num_attention_heads)
    return ModelShape(
        layers=int(config.num_hidden_layers),
        kv_heads=int(getattr(config, "num_key_value_heads", None) or heads),
        head_dim=int(getattr(config, "head_dim", None) or config.hidden_size // heads),
        attention_heads=heads,
        hidden_size=int(config.hidden_size),
        vocabulary=int(config.vocab_size),
        max_positions=_max_positions(config),
        sliding_windows=_sliding_windows(config, model),
    )


def layer_types(config: PreTrainedConfig) -> tuple[str, ...]:
    """The attention of each layer, where the config speaks of it or not."""
    named = getattr(config, "layer_types", None)
    if named is not None:
        return tuple(named)
    sliding = getattr(config, "sliding_window", None) is not None
    return (SLIDING_ATTENTION if sliding else FULL_ATTENTION,) * int(config.num_hidden_layers)


def _require_decoder(config: PreTrainedConfig, model: str) -> None:
    if getattr(config, "is_encoder_decoder", False):
        raise UnsupportedModel(model=model, problem="it is an encoder-decoder")
    if getattr(config, "is_heterogeneous", False):
        raise UnsupportedModel(model=model, problem="its layers differ in size")
    for field, problem in _FOREIGN_FIELDS.items():
        if getattr(config, field, None) not in _HARMLESS.get(field, (None,)):
            raise UnsupportedModel(model=model, problem=problem)
    for size in ("num_hidden_layers", "num_attention_heads", "hidden_size", "vocab_size"):
        if not isinstance(getattr(config, size, None), int):
            raise UnsupportedModel(model=model, problem=f"its config has no single {size}")


def _require_rotary(config: PreTrainedConfig, model: str) -> None:
    if not getattr(config, "rope_parameters", None):
        raise UnsupportedModel(model=model, problem="its positions are not rotary")


def _max_positions(config: PreTrainedConfig) -> int:
    limit = int(config.max_position_embeddings)
    rope = config.rope_parameters
    if rope.get("rope_type") in _POSITION_DEPENDENT_ROPE:
        original = rope.get("original_max_position_embeddings")
        return int(original or getattr(config, "original_max_position_embeddings", limit))
    return limit


def _sliding_windows(config: PreTrainedConfig, model: str) -> tuple[int | None, ...]:
    windows = {FULL_ATTENTION: None, SLIDING_ATTENTION: getattr(config, "sliding_window", None)}
    types = layer_types(config)
    for kind in types:
        if kind not in windows:
            raise UnsupportedModel(model=model, problem=f"its layers use {kind}")
    return tuple(windows[kind] for kind in types)
