"""What is asked of sharers and receivers, and answered, in files under v1, spelled out by hand."""

from dataclasses import replace

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
from latentflow.latent import Digest, FlowName, Label, Method, Outcome
from latentflow.quantisation import Quantisation
from tests.golden.latent_values import COMMITTED, LATENT_ID, RECEIVER, RENEWED, SHARER, TEXT_ID

ADAPTER = AdapterInfo(
    name="memos",
    digest=Digest("c1" * 32),
    method=Method.LCF_PREFIX,
    sharer=SHARER,
    receiver=RECEIVER,
)

# --- sharer ---------------------------------------------------------------------------------

SHARE_LATENT = ShareCall(
    context="The key is under the third pot.",
    means=LatentMeans(adapter="memos", quantisation=Quantisation.GRADED2),
    need="Where is the key?",
    flow=FlowName("memos"),
    lifetime_seconds=60,
    labels=(Label(key="author", value="Zoë"),),
)
SHARE_TEXT = ShareCall(
    context="The key is under the third pot.",
    means=TextMeans(max_tokens=32),
    need="",
    flow=FlowName("default"),
    lifetime_seconds=3600,
    labels=(),
)
SHARE_FRESH = replace(SHARE_TEXT, fresh=True)
SHARE_EVENTS = {
    "queued": Queued(ahead=2),
    "prefilled": Prefilled(tokens=256, of_tokens=700),
    "published": Published(acknowledged_frames=1),
    "committed": Shared(
        latent=COMMITTED,
        timings=ShareTimings(
            queue_seconds=0.125, prefill_seconds=1.5, summarise_seconds=0.25, publish_seconds=0.0625
        ),
    ),
    "reused": Shared(latent=RENEWED, timings=ShareTimings(), reused=True),
}
SHARER_DESCRIPTION = ServiceDescription(model=SHARER, max_tokens=8192, adapters=(ADAPTER,))

# --- receiver -------------------------------------------------------------------------------

PROMPT = Prompt(question="Where is the key?", context="Zoë wrote a memo.")
INPUTS = LatentInputs(
    latents=(
        LatentInput(latent_id=LATENT_ID, fallback=TEXT_ID),
        LatentInput(latent_id=TEXT_ID, fallback=None),
    )
)
GENERATE_LATENTS = GenerateCall(
    prompt=PROMPT,
    source=INPUTS,
    sampling=Sampling(
        max_tokens=16, temperature=0.5, top_p=0.75, seed=2**64 - 1, stop=("\n", "</s>")
    ),
)
GENERATE_SESSION = GenerateCall(
    prompt=Prompt(question="And now?", context=""),
    source=SessionId("session-1"),
    sampling=Sampling(max_tokens=64, temperature=0.0, top_p=1.0, seed=0, stop=()),
)
INJECTED = LatentOutcome(latent_id=LATENT_ID, outcome=Outcome.LATENT, reason="", wire_bytes=640)
FELL_BACK = LatentOutcome(
    latent_id=TEXT_ID, outcome=Outcome.TEXT_FALLBACK, reason="LATENT_EXPIRED", wire_bytes=330
)
TRANSLATED = LatentOutcome(
    latent_id=LATENT_ID, outcome=Outcome.LATENT, wire_bytes=640, adapter="lcf-prefix"
)
GENERATE_EVENTS = {
    "outcome": FELL_BACK,
    "translated": TRANSLATED,
    "token": TokenText(text=" pöt"),
    "usage": Usage(
        prompt_tokens=20,
        latent_slots=2,
        completion_tokens=7,
        finish=FinishReason.MAX_TOKENS,
        timings=GenerateTimings(
            queue_seconds=0.5,
            fetch_seconds=0.25,
            inject_seconds=0.125,
            prefill_seconds=0.75,
            decode_seconds=2.5,
        ),
    ),
}
SCORE = ScoreCall(prompt=PROMPT, options=("pot", "mat"), source=INPUTS)
SCORED = Scored(
    outcomes=(INJECTED, FELL_BACK),
    scores=(
        OptionScore(log_probability=-0.5, tokens=1),
        OptionScore(log_probability=-7.25, tokens=2),
    ),
)
OPEN_SESSION = OpenSessionCall(inputs=INPUTS, context="Zoë wrote a memo.", idle_seconds=30)
SESSION = Session(session_id=SessionId("session-1"), outcomes=(INJECTED,), latent_slots=2)
RECEIVER_DESCRIPTION = ServiceDescription(model=RECEIVER, max_tokens=32768, adapters=(ADAPTER,))
