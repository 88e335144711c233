"""What the fake sharer and receiver tell of themselves, and of one latent."""

from latentflow.calls import (
    AdapterInfo,
    ServiceDescription,
)
from latentflow.latent import Digest, LatentInfo, LatentState, Method
from latentflow.wire.manifests import manifest_from_bytes
from tests.golden.latent_values import RECEIVER, SHARER
from tests.integration.rpc.latents import sealed

TIMEOUT = 30.0
LATENT = sealed(kilobytes=1)
INFO = LatentInfo(
    manifest=manifest_from_bytes(LATENT.manifest_bytes),
    state=LatentState.COMMITTED,
    frames=LATENT.commit.frames,
    payload_bytes=LATENT.commit.payload_bytes,
    commit=LATENT.commit,
    expires_ms=manifest_from_bytes(LATENT.manifest_bytes).expires_ms,
)
DESCRIPTION = ServiceDescription(
    model=SHARER,
    max_tokens=8192,
    adapters=(
        AdapterInfo(
            name="memo",
            digest=Digest("c1" * 32),
            method=Method.LCF_PREFIX,
            sharer=SHARER,
            receiver=RECEIVER,
        ),
    ),
)
