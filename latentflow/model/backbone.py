"""A frozen language model, loaded from a local folder and never from a hub.

Owns loading and the output head; knows nothing of adapters or of what is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from latentflow.errors import InvalidInput, LatentFlowError, ModelFilesCorrupt, UnknownModel
from latentflow.latent import ModelIdentity
from latentflow.model.identity import identify
from latentflow.model.placement import found_hardware, place
from latentflow.model.probe import require_position_free_cache
from latentflow.model.rope import Rope, rope_of
from latentflow.model.shape import ModelShape, shape_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """A model in evaluation mode without gradients of its own, with its tokenizer."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    shape: ModelShape
    identity: ModelIdentity
    rope: Rope
    device: torch.device
    dtype: torch.dtype

    @property
    def config(self) -> PreTrainedConfig:
        config: PreTrainedConfig = self.model.config
        return config

    def logits(self, hidden_NC: Tensor, vocabulary_V: Tensor | None = None) -> Tensor:
        """Output head over final hidden states: [N, hidden_size] -> [N, V].

        V is the whole vocabulary, or the tokens of `vocabulary_V`. Two dimensions only: a
        batched product would copy the head's weight for every row.
        """
        if hidden_NC.dim() != 2:
            raise InvalidInput(field="hidden", problem="must be flat: [N, hidden_size]")
        model: Any = self.model
        head = model.get_output_embeddings()
        if vocabulary_V is None:
            logits_NV: Tensor = head(hidden_NC)
        else:
            bias_V = None if head.bias is None else head.bias[vocabulary_V]
            logits_NV = functional.linear(hidden_NC, head.weight[vocabulary_V], bias_V)
        cap = getattr(self.config, "final_logit_softcapping", None)
        return logits_NV if cap is None else torch.tanh(logits_NV / cap) * cap


def load_backbone(
    folder: Path, *, device: torch.device | None = None, dtype: torch.dtype | None = None
) -> Backbone:
    """Loads safetensors, tokenizer and config of `folder`, where and as `place` says.

    On a CPU in float32, unless `dtype` says otherwise: at a token a time bfloat16 brings nothing.
    Raises UnknownModel, ModelFilesCorrupt or UnsupportedModel.
    """
    if not folder.is_dir():
        raise UnknownModel(model=str(folder))
    identity = identify(folder)
    placed = place(found_hardware())
    device = device or placed.device
    dtype = dtype or (torch.float32 if device.type == "cpu" else placed.dtype)
    with _corrupt_files_named(folder):
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        shape = shape_of(config)
        model = _load_model(folder, config, dtype).to(device)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    rope = rope_of(model)
    require_position_free_cache(model, rope, shape)
    return Backbone(
        model=model,
        tokenizer=tokenizer,
        shape=shape,
        identity=identity,
        rope=rope,
        device=device,
        dtype=dtype,
    )


def load_sharer(folder: Path) -> Backbone:
    """A model that is to read: in the precision in which reading is fastest here.

    In bfloat16 a CPU that has it reads 2 to 3 times faster, and writes no slower; latents are
    rounded to 8 bits anyway. Raises as `load_backbone`.
    """
    return load_backbone(folder, dtype=place(found_hardware()).dtype)


def _load_model(folder: Path, config: PreTrainedConfig, dtype: torch.dtype) -> Any:
    capped = getattr(config, "attn_logit_softcapping", None) is not None
    model: Any = AutoModelForCausalLM.from_pretrained(
        folder,
        config=config,
        dtype=dtype,
        local_files_only=True,
        use_safetensors=True,
        attn_implementation="eager" if capped else None,
    )
    return model.requires_grad_(False).eval()


@contextmanager
def _corrupt_files_named(folder: Path) -> Iterator[None]:
    """Whatever a foreign loader raises over bad files becomes one error of ours."""
    try:
        yield
    except LatentFlowError:
        raise
    except Exception as error:
        problem = f"{type(error).__name__} while loading"
        raise ModelFilesCorrupt(path=str(folder), problem=problem) from error
