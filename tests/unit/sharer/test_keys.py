"""Which stored latents a sharer may give again: those protected as a new one would be."""

from dataclasses import replace

import pytest

from latentflow.latent import LatentInfo, LatentState
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from services.sharer.keys import SharerKeys
from tests.keys import SECRET, SIGNER, protected, ring_of, signer_of
from tests.made_latents import MadeLatent, make_latent

PLAIN = make_latent(1_760_000_000_000)
PROTECTED = protected(PLAIN)
SEALED = replace(PROTECTED, commit=replace(PROTECTED.commit, signature=None))
SIGNED = replace(PLAIN, commit=SIGNER.sign(PLAIN.latent_id, PLAIN.manifest_bytes, PLAIN.commit))
FORGED = replace(SIGNED, commit=replace(SIGNED.commit, payload_bytes=1))

HELD = ring_of({"k1": SECRET, "k2": bytes(32)})
REVOKED = ring_of({"k2": bytes(32)})
NEITHER = SharerKeys()
SEALS = SharerKeys(rings=lambda: HELD)
SEALS_ANEW = SharerKeys(rings=lambda: REVOKED)
SIGNS = SharerKeys(signer=SIGNER)
SIGNS_ANEW = SharerKeys(signer=signer_of(b"\1" * 32))
BOTH = SharerKeys(rings=lambda: HELD, signer=SIGNER)


def info(made: MadeLatent) -> LatentInfo:
    return LatentInfo(
        manifest=made.manifest,
        state=LatentState.COMMITTED,
        frames=made.commit.frames,
        payload_bytes=made.commit.payload_bytes,
        commit=made.commit,
        expires_ms=made.manifest.expires_ms,
    )


@pytest.mark.parametrize(
    ("keys", "made", "fits"),
    [
        (NEITHER, PLAIN, True),
        (NEITHER, SIGNED, True),
        (NEITHER, SEALED, False),
        (SEALS, SEALED, True),
        (SEALS, PROTECTED, True),
        (SEALS, PLAIN, False),
        (SEALS_ANEW, SEALED, False),
        (SIGNS, SIGNED, True),
        (SIGNS, PLAIN, False),
        (SIGNS, FORGED, False),
        (SIGNS_ANEW, SIGNED, False),
        (BOTH, PROTECTED, True),
        (BOTH, SEALED, False),
        (BOTH, SIGNED, False),
    ],
)
def test_only_what_is_protected_as_a_new_one(
    keys: SharerKeys, made: MadeLatent, fits: bool
) -> None:
    assert keys.would_protect(DEFAULT_TENANT, info(made)) is fits
