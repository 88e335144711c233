"""`python -m latentflow.model.convert GGUF FOLDER`: a GGUF file as a folder that loads fast.

Writes float32 safetensors, tokenizer and config; the same file always gives the same bytes. A
process of its own, so that the memory this takes is given back. Knows no catalogue.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig


def convert(gguf: Path, folder: Path) -> None:
    """Dequantises every weight to float32."""
    source: dict[str, Any] = {
        "pretrained_model_name_or_path": gguf.parent,
        "gguf_file": gguf.name,
        "local_files_only": True,
    }
    models: Any = AutoModelForCausalLM
    model = models.from_pretrained(
        **source, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
    )
    model.save_pretrained(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(**source)
    tokenizer.save_pretrained(folder)
    # The weights are left to their owner alone, but who serves them may be another user.
    for path in folder.iterdir():
        path.chmod(0o644)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m latentflow.model.convert GGUF FOLDER\n")
        return 2
    convert(Path(arguments[0]), Path(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
