"""The values of the calls: what a caller asks of sharers and receivers, and what comes back.

Stdlib only, like `latent`; how they look on the wire is `wire`'s, what they do the services'.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.latent import (
    MAX_LABELS,
    MAX_LIFETIME_SECONDS,
    Digest,
    FlowName,
    Label,
    LatentId,
    LatentInfo,
    Method,
    ModelIdentity,
    Outcome,
)
from latentflow.quantisation import PACKED, Quantisation

SessionId = NewType("SessionId", str)

DEFAULT_FLOW = FlowName("default")
DEFAULT_LIFETIME_SECONDS = 3600
MAX_INPUTS = 8
MAX_MESSAGE_TOKENS = 512
MAX_OPTIONS = 64
MAX_STOPS = 8


def _require(condition: bool, field: str, problem: str) -> None:
    if not condition:
        raise InvalidInput(field=field, problem=problem)


# --- sharer ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentMeans:
    """Send what an adapter makes of the cache, in as many bits as `quantisation` says."""

    adapter: str = ""
    quantisation: Quantisation = Quantisation.INT8

    def __post_init__(self) -> None:
        is_packed = self.quantisation in PACKED
        _require(is_packed, "latent.quantisation", f"must be one of {', '.join(PACKED)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMeans:
    """Send a message of at most `max_tokens` tokens that the sharer's model writes."""

    max_tokens: int

    def __post_init__(self) -> None:
        within = 1 <= self.max_tokens <= MAX_MESSAGE_TOKENS
        _require(within, "text.max_tokens", f"must be 1 to {MAX_MESSAGE_TOKENS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareCall:
    """`context` is what only the sharer reads; `need` the receiver's question, when known.

    `fresh` makes a new latent even where an equal one is stored.
    """

    context: str
    means: LatentMeans | TextMeans
    need: str = ""
    flow: FlowName = DEFAULT_FLOW
    lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS
    labels: tuple[Label, ...] = ()
    fresh: bool = False

    def __post_init__(self) -> None:
        if not self.context.strip():
            raise EmptyInput(field="context")
        _require(
            1 <= self.lifetime_seconds <= MAX_LIFETIME_SECONDS,
            "lifetime_seconds",
            f"must be 1 to {MAX_LIFETIME_SECONDS}",
        )
        _require(len(self.labels) <= MAX_LABELS, "labels", f"at most {MAX_LABELS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    ahead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefilled:
    tokens: int
    of_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    acknowledged_frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTimings:
    """Wall-clock seconds of each stage; for text, summarise is writing the message."""

    queue_seconds: float = 0.0
    prefill_seconds: float = 0.0
    summarise_seconds: float = 0.0
    publish_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The last event of a Share: the committed latent, `reused` when it was stored already."""

    latent: LatentInfo
    timings: ShareTimings
    reused: bool = False


ShareEvent = Queued | Prefilled | Published | Shared


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterInfo:
    """An adapter that a service holds."""

    name: str
    digest: Digest
    method: Method
    sharer: ModelIdentity
    receiver: ModelIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDescription:
    """The model a sharer or receiver holds, its window in tokens, and its adapters."""

    model: ModelIdentity
    max_tokens: int
    adapters: tuple[AdapterInfo, ...]


# --- receiver -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentInput:
    """A latent to inject; `fallback` names a text message to read when it can't be used, or while
    its route is demoted to text.
    """

    latent_id: LatentId
    fallback: LatentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """`context` is what the receiver itself reads, in front of what comes from sharers."""

    question: str
    context: str = ""

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise EmptyInput(field="prompt.question")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to decode. Temperature 0 is greedy; text from the first stop match on is dropped."""

    max_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(1 <= self.max_tokens <= 1024, "sampling.max_tokens", "must be 1 to 1024")
        _require(0 <= self.temperature <= 5, "sampling.temperature", "must be 0 to 5")
        _require(1e-6 <= self.top_p <= 1, "sampling.top_p", "must be 0.000001 to 1")
        _require(0 <= self.seed < 1 << 64, "sampling.seed", "must be an unsigned 64-bit number")
        _require(all(self.stop), "sampling.stop", "none may be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentInputs:
    """At most 8 latents, injected in order; none means that the receiver answers alone."""

    latents: tuple[LatentInput, ...] = ()

    def __post_init__(self) -> None:
        _require(len(self.latents) <= MAX_INPUTS, "inputs.latents", f"at most {MAX_INPUTS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateCall:
    prompt: Prompt
    source: LatentInputs | SessionId = LatentInputs()
    sampling: Sampling = Sampling()

    def __post_init__(self) -> None:
        _require(len(self.sampling.stop) <= MAX_STOPS, "sampling.stop", f"at most {MAX_STOPS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCall:
    prompt: Prompt
    options: tuple[str, ...]
    source: LatentInputs | SessionId = LatentInputs()

    def __post_init__(self) -> None:
        _require(
            1 <= len(self.options) <= MAX_OPTIONS and all(self.options),
            "options",
            f"1 to {MAX_OPTIONS}, none empty",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSessionCall:
    inputs: LatentInputs
    context: str = ""
    idle_seconds: int = 300

    def __post_init__(self) -> None:
        _require(1 <= self.idle_seconds <= 3600, "idle_seconds", "must be 1 to 3600")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentOutcome:
    """What happened to one latent. `reason` says why it was not used itself, else empty; `adapter`
    names what translated it, and is empty where nothing did.
    """

    latent_id: LatentId
    outcome: Outcome
    reason: str = ""
    wire_bytes: int = 0
    adapter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenText:
    text: str


class FinishReason(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    MAX_TOKENS = "max-tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateTimings:
    """Wall-clock seconds of each stage; prefill ends with the first answer token."""

    queue_seconds: float = 0.0
    fetch_seconds: float = 0.0
    inject_seconds: float = 0.0
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The last event of a Generate. `latent_slots` counts cache positions filled by latents."""

    prompt_tokens: int
    latent_slots: int
    completion_tokens: int
    finish: FinishReason
    timings: GenerateTimings


GenerateEvent = LatentOutcome | TokenText | Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionScore:
    """Natural-log probability summed over the option's tokens."""

    log_probability: float
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    outcomes: tuple[LatentOutcome, ...]
    scores: tuple[OptionScore, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    session_id: SessionId
    outcomes: tuple[LatentOutcome, ...]
    latent_slots: int
