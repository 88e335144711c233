"""The latents that files under v1 hold, spelled out by hand: numbers, and bytes of frames."""

from dataclasses import replace

from latentflow.latent import (
    Commit,
    Digest,
    FlowName,
    Frame,
    Label,
    LatentId,
    LatentInfo,
    LatentState,
    Manifest,
    Method,
    ModelIdentity,
    PositionPolicy,
)
from latentflow.protection import Seal, Signature
from latentflow.quantisation import Quantisation
from latentflow.vectors import Codec, ElementType, TensorLayout

LATENT_ID = LatentId("01K3ABCDEFGHJKMNPQRSTVWXYZ")
TEXT_ID = LatentId("01K3ABCDEFGHJKMNPQRSTVWXZ0")

SHARER = ModelIdentity(
    name="SmolLM2-135M-Instruct",
    weights=Digest("a1" * 32),
    tokenizer=Digest("a2" * 32),
    config=Digest("a3" * 32),
)
RECEIVER = ModelIdentity(
    name="gemma-3-270m",
    weights=Digest("b1" * 32),
    tokenizer=Digest("b2" * 32),
    config=Digest("b3" * 32),
)

# --- a latent of two vectors, each in a frame of its own ------------------------------------

MANIFEST = Manifest(
    latent_id=LATENT_ID,
    flow=FlowName("memos"),
    method=Method.LCF_PREFIX,
    adapter=Digest("c1" * 32),
    sharer=SHARER,
    receiver=RECEIVER,
    layout=TensorLayout(layers=1, slots=2, width=4, dtype=ElementType.FLOAT32),
    codec=Codec(quantisation=Quantisation.INT8, zstd_level=3),
    position=PositionPolicy.PREFIX,
    created_ms=1_760_000_000_123,
    expires_ms=1_760_003_600_000,
    content_digest=Digest("d1" * 32),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    labels=(Label(key="author", value="Zoë"), Label(key="draft", value="")),
)
VECTORS = (0.5, -1.0, 63.5, -63.5, 1.0, 0.0, -2.0, 31.75)
# Scale 0.5 and four bytes, scale 0.25 and four bytes.
STREAM = bytes.fromhex("0000003f 01fe7f81  0000803e 0400f87f")
FRAME_0 = Frame(
    index=0,
    payload=bytes.fromhex("28b52ffd 20 08 410000 0000003f 01fe7f81"),
    raw_bytes=8,
    crc32c=0x5B8F1F15,
)
FRAME_1 = Frame(
    index=1,
    payload=bytes.fromhex("28b52ffd 20 08 410000 0000803e 0400f87f"),
    raw_bytes=8,
    crc32c=0x330D061C,
)
COMMIT = Commit(
    frames=2,
    payload_bytes=34,
    sha256=Digest("0d9794b5390130163365d62970e9c197b334ef692a1b1c88f23fddb3c75ff938"),
)
COMMITTED = LatentInfo(
    manifest=MANIFEST,
    state=LatentState.COMMITTED,
    frames=2,
    payload_bytes=34,
    commit=COMMIT,
    expires_ms=1_760_003_600_000,
)
RENEWED = replace(COMMITTED, expires_ms=1_760_007_200_000)

# --- the same latent, sealed and signed -----------------------------------------------------

SECRET = bytes(range(32))
SIGNING_SEED = bytes(range(32))
SEALED_MANIFEST = replace(MANIFEST, seal=Seal(key_id="2026-11", salt="5a" * 32))
SEALED_0 = Frame(
    index=0,
    payload=bytes.fromhex("e48cb1c00ef74cd0d15dd31a435b1616ed 3eb84fe3af26a3fbf83beb1a4546131f"),
    raw_bytes=8,
    crc32c=0x0D2C4F01,
)
SEALED_1 = Frame(
    index=1,
    payload=bytes.fromhex("8f5617bbbdb610788d5e06b659f92f23c8 7412a5f78ef2940f5c7027022a138bd3"),
    raw_bytes=8,
    crc32c=0xEC48EEA2,
)
SIGNED_COMMIT = Commit(
    frames=2,
    payload_bytes=66,
    sha256=Digest("f7936e7c1dc01ac2d1a40ef4b315f3019061d42141624206ffb22692686f3675"),
    signature=Signature(
        key_id="56475aa75463474c",
        ed25519=(
            "1dd91fa2f149bf70b2bf3b33e09c24b39ac46f6079bd8c410baa692665ce5792"
            "03495309603830ade9f73430cd700646dba2714f1defd6f533f738d27059370b"
        ),
    ),
)

# --- a text message -------------------------------------------------------------------------

TEXT = "Ask Zoë for the key."
TEXT_MANIFEST = Manifest(
    latent_id=TEXT_ID,
    flow=FlowName("default"),
    method=Method.TEXT,
    adapter=None,
    sharer=SHARER,
    receiver=None,
    layout=TensorLayout(layers=1, slots=21, width=1, dtype=ElementType.UTF8),
    codec=Codec(quantisation=Quantisation.NONE, zstd_level=3),
    position=PositionPolicy.PROMPT,
    created_ms=1_760_000_000_000,
    expires_ms=1_760_604_800_000,
    content_digest=Digest("d2" * 32),
)
TEXT_FRAME = Frame(
    index=0,
    payload=bytes.fromhex("28b52ffd 20 15 a90000 41736b205a6fc3ab20666f7220746865206b65792e"),
    raw_bytes=21,
    crc32c=0xC4A8D5BE,
)
TEXT_COMMIT = Commit(
    frames=1,
    payload_bytes=30,
    sha256=Digest("ebb586680950e84c713280f7fdbd957a3eebe43cf5703c424d8e1a0953c4a1c8"),
)
TEXT_OPEN = LatentInfo(
    manifest=TEXT_MANIFEST,
    state=LatentState.OPEN,
    frames=0,
    payload_bytes=0,
    commit=None,
    expires_ms=1_760_604_800_000,
)
