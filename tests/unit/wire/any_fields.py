"""Hypothesis strategies for what values are made of: numbers, words, ids, digests."""

from hypothesis import strategies as st

from latentflow.calls import SessionId
from latentflow.latent import Digest, FlowName, new_latent_id

uint32s = st.integers(0, 2**32 - 1)
uint64s = st.integers(0, 2**64 - 1)
times_ms = st.integers(1, 253_000_000_000_000)
seconds = st.floats(0, allow_nan=False, allow_infinity=False)
names = st.text(min_size=1, max_size=12)
words = st.text(max_size=12)
written = st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
plain_names = st.text("abcXYZ019:-_. ", min_size=1, max_size=12)

digests = st.binary(min_size=32, max_size=32).map(lambda data: Digest(data.hex()))
flow_names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True).map(FlowName)
latent_ids = st.builds(
    new_latent_id,
    now_ms=st.integers(0, 2**48 - 1),
    entropy=st.binary(min_size=10, max_size=10),
)
session_ids = names.map(SessionId)
