"""Hypothesis strategies for every value that travels."""

from hypothesis import strategies as st

from latentflow.calls import (
    AdapterInfo,
    FinishReason,
    GenerateCall,
    GenerateTimings,
    LatentInput,
    LatentInputs,
    LatentMeans,
    LatentOutcome,
    OpenSessionCall,
    OptionScore,
    Prefilled,
    Prompt,
    Published,
    Queued,
    Sampling,
    ScoreCall,
    Scored,
    ServiceDescription,
    Session,
    SessionId,
    ShareCall,
    Shared,
    ShareTimings,
    TextMeans,
    TokenText,
    Usage,
)
from latentflow.latent import (
    MAX_LABELS,
    MAX_LIFETIME_SECONDS,
    Commit,
    Digest,
    FlowName,
    Frame,
    Label,
    LatentInfo,
    LatentState,
    Manifest,
    Method,
    ModelIdentity,
    Outcome,
    PositionPolicy,
    new_latent_id,
)
from latentflow.quantisation import GRADED, PACKED, Quantisation
from latentflow.relay import (
    MAX_PAGE_SIZE,
    Abort,
    AckCall,
    DeadLetter,
    Delivery,
    FindCall,
    FlowInfo,
    GivenUp,
    GroupInfo,
    Inspection,
    LatentPage,
    Lineage,
    ListCall,
    Open,
    Opened,
    Progress,
    Receipt,
    RenewCall,
    Stored,
    SubscribeCall,
    UseCall,
    WatchCall,
)
from latentflow.vectors import Codec, ElementType, TensorLayout

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
identities = st.builds(
    ModelIdentity, name=names, weights=digests, tokenizer=digests, config=digests
)
labels = st.builds(Label, key=names, value=words)
label_lists = st.lists(labels, max_size=MAX_LABELS).map(tuple)

# --- the latent -----------------------------------------------------------------------------


def layouts(dtype: ElementType) -> st.SearchStrategy[TensorLayout]:
    return st.builds(
        TensorLayout,
        layers=st.integers(1, 1024),
        slots=st.integers(1, 1 << 20),
        width=st.integers(1, 1 << 16),
        dtype=st.just(dtype),
    )


VECTOR_POSITIONS = [place for place in PositionPolicy if place is not PositionPolicy.PROMPT]


def codecs(method: Method) -> st.SearchStrategy[Codec]:
    forms = [each for each in Quantisation if method is Method.LCF_PREFIX or each not in GRADED]
    is_text = method is Method.TEXT
    return st.builds(
        Codec,
        quantisation=st.just(Quantisation.NONE) if is_text else st.sampled_from(forms),
        zstd_level=st.integers(1, 19),
    )


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    method = draw(st.sampled_from(Method))
    is_text = method is Method.TEXT
    created_ms = draw(times_ms)
    return Manifest(
        latent_id=draw(latent_ids),
        flow=draw(flow_names),
        method=method,
        adapter=None if is_text else draw(digests),
        sharer=draw(identities),
        receiver=None if is_text else draw(identities),
        layout=draw(layouts(ElementType.UTF8 if is_text else ElementType.FLOAT32)),
        codec=draw(codecs(method)),
        position=PositionPolicy.PROMPT if is_text else draw(st.sampled_from(VECTOR_POSITIONS)),
        created_ms=created_ms,
        expires_ms=created_ms + draw(st.integers(1, MAX_LIFETIME_SECONDS * 1000)),
        content_digest=draw(digests),
        traceparent=draw(words),
        labels=draw(label_lists),
    )


frames = st.builds(
    Frame,
    index=uint32s,
    payload=st.binary(min_size=1, max_size=64),
    raw_bytes=st.integers(1, 2**32 - 1),
    crc32c=uint32s,
)
commits = st.builds(
    Commit,
    frames=st.integers(1, 2**32 - 1),
    payload_bytes=st.integers(1, 2**64 - 1),
    sha256=digests,
)
not_committed = st.sampled_from([LatentState.OPEN, LatentState.ABORTED, LatentState.REVOKED])
latent_infos = st.builds(
    LatentInfo,
    manifest=manifests(),
    state=not_committed,
    frames=uint32s,
    payload_bytes=uint64s,
    commit=st.none() | commits,
    expires_ms=times_ms,
) | st.builds(
    LatentInfo,
    manifest=manifests(),
    state=st.just(LatentState.COMMITTED),
    frames=uint32s,
    payload_bytes=uint64s,
    commit=commits,
    expires_ms=times_ms,
)
few_infos = st.lists(latent_infos, max_size=2).map(tuple)

# --- sharer ---------------------------------------------------------------------------------

means = st.builds(
    LatentMeans,
    adapter=words,
    quantisation=st.sampled_from(PACKED),
) | st.builds(TextMeans, max_tokens=st.integers(1, 512))
share_calls = st.builds(
    ShareCall,
    context=written,
    means=means,
    need=words,
    flow=flow_names,
    lifetime_seconds=st.integers(1, MAX_LIFETIME_SECONDS),
    labels=label_lists,
)
share_timings = st.builds(
    ShareTimings,
    queue_seconds=seconds,
    prefill_seconds=seconds,
    summarise_seconds=seconds,
    publish_seconds=seconds,
)
share_events = st.one_of(
    st.builds(Queued, ahead=uint32s),
    st.builds(Prefilled, tokens=uint32s, of_tokens=uint32s),
    st.builds(Published, acknowledged_frames=uint32s),
    st.builds(Shared, latent=latent_infos, timings=share_timings),
)
adapter_infos = st.builds(
    AdapterInfo,
    name=words,
    digest=digests,
    method=st.sampled_from(Method),
    sharer=identities,
    receiver=identities,
)
descriptions = st.builds(
    ServiceDescription,
    model=identities,
    max_tokens=uint32s,
    adapters=st.lists(adapter_infos, max_size=3).map(tuple),
)

# --- receiver -------------------------------------------------------------------------------

prompts = st.builds(Prompt, question=written, context=words)
latent_inputs = st.builds(
    LatentInputs,
    latents=st.lists(
        st.builds(LatentInput, latent_id=latent_ids, fallback=st.none() | latent_ids), max_size=8
    ).map(tuple),
)
sources = latent_inputs | session_ids
samplings = st.builds(
    Sampling,
    max_tokens=st.integers(1, 1024),
    temperature=st.floats(0, 5, width=32),
    top_p=st.floats(2**-19, 1, width=32),
    seed=uint64s,
    stop=st.lists(names, max_size=8).map(tuple),
)
generate_calls = st.builds(GenerateCall, prompt=prompts, source=sources, sampling=samplings)
outcomes = st.builds(
    LatentOutcome,
    latent_id=latent_ids,
    outcome=st.sampled_from(Outcome),
    reason=words,
    wire_bytes=uint64s,
)
usages = st.builds(
    Usage,
    prompt_tokens=uint32s,
    latent_slots=uint32s,
    completion_tokens=uint32s,
    finish=st.sampled_from(FinishReason),
    timings=st.builds(
        GenerateTimings,
        queue_seconds=seconds,
        fetch_seconds=seconds,
        inject_seconds=seconds,
        prefill_seconds=seconds,
        decode_seconds=seconds,
    ),
)
generate_events = st.one_of(outcomes, st.builds(TokenText, text=words), usages)
score_calls = st.builds(
    ScoreCall,
    prompt=prompts,
    options=st.lists(names, min_size=1, max_size=64).map(tuple),
    source=sources,
)
outcome_lists = st.lists(outcomes, max_size=3).map(tuple)
scores = st.builds(
    OptionScore,
    log_probability=st.floats(max_value=0, allow_nan=False, allow_infinity=False),
    tokens=uint32s,
)
scored = st.builds(Scored, outcomes=outcome_lists, scores=st.lists(scores, max_size=3).map(tuple))
open_session_calls = st.builds(
    OpenSessionCall, inputs=latent_inputs, context=words, idle_seconds=st.integers(1, 3600)
)
sessions = st.builds(Session, session_id=session_ids, outcomes=outcome_lists, latent_slots=uint32s)

# --- broker ---------------------------------------------------------------------------------

opens = st.builds(Open, manifest_bytes=st.binary(min_size=1, max_size=64))
aborts = st.builds(Abort, problem=st.text("abc .", max_size=20))
publish_steps = st.one_of(opens, frames, commits, aborts)
publish_events = st.one_of(
    st.builds(Opened, acknowledged_frames=uint32s, credit_bytes=uint64s),
    st.builds(Progress, acknowledged_frames=uint32s, credit_bytes=uint64s),
    st.builds(Stored, latent=latent_infos),
    st.builds(GivenUp),
)
subscribe_calls = st.builds(SubscribeCall, latent_id=latent_ids, first_frame=uint32s)
stream_steps = st.one_of(opens, frames, commits)
watch_calls = st.builds(WatchCall, flow=flow_names) | st.builds(
    WatchCall, flow=flow_names, group=plain_names, consumer=plain_names
)
dead_letters = st.builds(DeadLetter, flow=flow_names, group=words, deliveries=uint32s, reason=words)
deliveries = st.builds(
    Delivery, delivery_id=words, latent=latent_infos, dead_letter=st.none() | dead_letters
)
ack_calls = st.builds(
    AckCall,
    flow=flow_names,
    group=plain_names,
    delivery_ids=st.lists(names, max_size=5).map(tuple),
)
list_calls = st.builds(
    ListCall,
    flow=st.none() | flow_names,
    page_size=st.integers(1, MAX_PAGE_SIZE),
    page_token=words,
)
latent_pages = st.builds(LatentPage, latents=few_infos, next_page_token=words)
receipts = st.lists(
    st.builds(Receipt, reader=plain_names, generation=plain_names, at_ms=times_ms), max_size=3
).map(tuple)
find_calls = st.builds(FindCall, flow=flow_names, content_digest=digests)
renew_calls = st.builds(RenewCall, latent_id=latent_ids, expires_ms=times_ms)
use_calls = st.builds(UseCall, latent_id=latent_ids, reader=plain_names, generation=plain_names)
lineages = st.builds(Lineage, latent=latent_infos, receipts=receipts)
group_infos = st.builds(GroupInfo, name=words, lag=uint64s, pending=uint64s, consumers=uint32s)
flow_infos = st.lists(
    st.builds(
        FlowInfo,
        name=flow_names,
        announced=uint64s,
        groups=st.lists(group_infos, max_size=2).map(tuple),
    ),
    max_size=2,
).map(tuple)
inspections = st.builds(
    Inspection,
    version=words,
    at_ms=times_ms,
    servers=st.lists(words, max_size=2).map(tuple),
    remarks=st.lists(words, max_size=2).map(tuple),
)
