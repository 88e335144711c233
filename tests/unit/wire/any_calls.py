"""Hypothesis strategies for what is asked of sharers and receivers, and answered."""

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
    ShareCall,
    Shared,
    ShareTimings,
    TextMeans,
    TokenText,
    Usage,
)
from latentflow.latent import MAX_LIFETIME_SECONDS, Method, Outcome
from latentflow.quantisation import PACKED
from tests.unit.wire.any_fields import (
    digests,
    flow_names,
    latent_ids,
    names,
    seconds,
    session_ids,
    uint32s,
    uint64s,
    words,
    written,
)
from tests.unit.wire.any_latents import identities, label_lists, latent_infos

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
    adapter=words,
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
