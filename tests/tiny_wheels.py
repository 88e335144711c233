"""A random model as a GGUF file, cut into packages such as the catalogue's, in a folder for pip."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
from gguf import GGUFWriter

from latentflow.model.catalogue import Wheel

_ARCHITECTURE = "llama"
_LAYERS = 2
_WIDTH = 32
_HIDDEN = 48
_TOKENS = ["<unk>", "<s>", "</s>", *map(chr, range(33, 127)), "th", "in"]
_NORMAL, _CONTROL = 1, 3


def write_tiny_gguf(path: Path, seed: int = 0) -> bytes:
    """Writes a llama of two layers and returns the file's bytes."""
    writer = GGUFWriter(str(path), _ARCHITECTURE)
    _describe(writer)
    _add_tokens(writer)
    random = np.random.default_rng(seed)
    for name, shape in _shapes().items():
        writer.add_tensor(name, random.standard_normal(shape, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def write_wheels(folder: Path, content: bytes, parts: int) -> tuple[Wheel, ...]:
    """Packages `tiny-part1` and so on, each with a share of `content`."""
    size = -(-len(content) // parts)
    return tuple(
        _write_wheel(folder, part + 1, content[part * size : (part + 1) * size])
        for part in range(parts)
    )


def _describe(writer: GGUFWriter) -> None:
    writer.add_block_count(_LAYERS)
    writer.add_context_length(64)
    writer.add_embedding_length(_WIDTH)
    writer.add_feed_forward_length(_HIDDEN)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(_TOKENS))


def _add_tokens(writer: GGUFWriter) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(_TOKENS)
    writer.add_token_types([_CONTROL] * 3 + [_NORMAL] * (len(_TOKENS) - 3))
    writer.add_token_merges(["t h", "i n"])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (len(_TOKENS), _WIDTH),
        "output_norm.weight": (_WIDTH,),
        "output.weight": (len(_TOKENS), _WIDTH),
    }
    for layer in range(_LAYERS):
        block = f"blk.{layer}"
        for name in ("attn_norm", "ffn_norm"):
            shapes[f"{block}.{name}.weight"] = (_WIDTH,)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"{block}.{name}.weight"] = (_WIDTH, _WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            shapes[f"{block}.{name}.weight"] = (_HIDDEN, _WIDTH)
        shapes[f"{block}.ffn_down.weight"] = (_WIDTH, _HIDDEN)
    return shapes


def _write_wheel(folder: Path, part: int, content: bytes) -> Wheel:
    package = f"tiny_part{part}"
    info = f"{package}-1.0.dist-info"
    member = f"{package}/model.part"
    path = folder / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{info}/RECORD", "")
    return Wheel(
        requirement=f"tiny-part{part}==1.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        member=member,
    )
