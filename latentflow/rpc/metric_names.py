"""Every metric of the services: OpenTelemetry's semantic conventions where one exists,
`latentflow.*` where none does. Attributes are in `conventions`; none names a tenant or a latent.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A name with its unit in UCUM; its class says how it is measured."""

    name: str
    unit: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(Metric):
    """Only grows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level(Metric):
    """Goes up and down as things come and go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge(Metric):
    """Looked at when somebody asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution(Metric):
    """Kept in buckets that end at `bounds`."""

    bounds: tuple[float, ...]


# The bounds that the conventions advise, and what a long answer takes.
_CALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_FIRST_TOKEN_SECONDS = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_TOKEN_SECONDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5)
_TOKENS = (16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
_LATENT_BYTES = tuple(1024 * 2**power for power in range(17))  # 1 KiB to 64 MiB
_CACHE_RATIOS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
_TEXT_RATIOS = (0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100)
_AGREEMENTS = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
_ROWS = (1, 2, 4, 8, 16, 32, 64)

# Every service.
CALL_DURATION = Distribution(
    name="rpc.server.call.duration",
    unit="s",
    about="Calls served, from their beginning to their status",
    bounds=_CALL_SECONDS,
)

# Sharer and receiver.
QUEUE_DEPTH = Gauge(
    name="latentflow.queue.depth",
    unit="{call}",
    about="Calls admitted and not over, those that are worked on included",
)
QUEUE_LIMIT = Gauge(
    name="latentflow.queue.limit", unit="{call}", about="Calls that are admitted at once"
)
PREFILL_TOKENS = Distribution(
    name="latentflow.prefill.tokens",
    unit="{token}",
    about="Tokens that a model has read for one call; latents' slots are none",
    bounds=_TOKENS,
)
LATENT_SIZE = Distribution(
    name="latentflow.latent.size",
    unit="By",
    about="Manifest and payloads of a latent that was published or fetched",
    bounds=_LATENT_BYTES,
)
MEMORY_USED = Gauge(
    name="latentflow.memory.used", unit="By", about="Memory that is accounted for, by its use"
)
MEMORY_LIMIT = Gauge(
    name="latentflow.memory.limit", unit="By", about="The budget of a use, where it has one"
)
MEMORY_ALLOCATED = Gauge(
    name="latentflow.memory.allocated",
    unit="By",
    about="All that torch has allocated on its CUDA device",
)

# The sharer.
CACHE_RATIO = Distribution(
    name="latentflow.latent.cache.ratio",
    unit="1",
    about="A latent's bytes on the wire to those of the KV cache that it stands for",
    bounds=_CACHE_RATIOS,
)
TEXT_RATIO = Distribution(
    name="latentflow.latent.text.ratio",
    unit="1",
    about="A latent's bytes on the wire to those of its context as UTF-8",
    bounds=_TEXT_RATIOS,
)

# The receiver.
TIME_TO_FIRST_TOKEN = Distribution(
    name="gen_ai.server.time_to_first_token",
    unit="s",
    about="From a call's beginning to its first token",
    bounds=_FIRST_TOKEN_SECONDS,
)
TIME_PER_OUTPUT_TOKEN = Distribution(
    name="gen_ai.server.time_per_output_token",
    unit="s",
    about="Mean time of an answer's tokens after the first",
    bounds=_TOKEN_SECONDS,
)
BATCH_SIZE = Distribution(
    name="latentflow.batch.size",
    unit="{row}",
    about="Answers that are decoded together",
    bounds=_ROWS,
)
OUTCOMES = Count(
    name="latentflow.outcomes",
    unit="{latent}",
    about="What became of the latents of calls: used, replaced by a text, or failed, and why",
)
AGREEMENT = Distribution(
    name="latentflow.fidelity.agreement",
    unit="1",
    about="Token F1 of the answers over latents and over texts, for the same question",
    bounds=_AGREEMENTS,
)
ROUTE_DEMOTED = Gauge(
    name="latentflow.fidelity.demoted",
    unit="{route}",
    about="1 while texts are read in place of an adapter's latents, for agreeing too little",
)
SHADOW_FAILURES = Count(
    name="latentflow.fidelity.failures",
    unit="{shadow}",
    about="Answers that were to be compared with another, which could not be had, and why",
)

# The broker.
BROKER_IO = Count(
    name="latentflow.broker.io",
    unit="By",
    about="Manifests and payloads taken from publishers and given to readers",
)
LATENTS = Count(
    name="latentflow.broker.latents",
    unit="{latent}",
    about="Ends of uploads by state; a commit that is repeated counts again",
)
UPLOADS = Level(
    name="latentflow.broker.uploads", unit="{upload}", about="Calls of Publish under way"
)
DELIVERIES = Count(
    name="latentflow.broker.deliveries",
    unit="{delivery}",
    about="Announcements given to members of groups, new ones or once more",
)
DEAD_LETTERS = Count(
    name="latentflow.broker.dead_letters",
    unit="{delivery}",
    about="Deliveries given up after too many without an acknowledgement",
)
GROUP_LAG = Gauge(
    name="latentflow.broker.group.lag",
    unit="{delivery}",
    about="Announcements no member of the group was given yet",
)
GROUP_PENDING = Gauge(
    name="latentflow.broker.group.pending",
    unit="{delivery}",
    about="Deliveries no member of the group has acknowledged yet",
)
BREAKER_OPEN = Gauge(
    name="latentflow.broker.breaker.open",
    unit="{breaker}",
    about="1 while the broker has stopped asking its store, as that does not answer",
)
STORE_USED = Gauge(
    name="latentflow.broker.store.used",
    unit="By",
    about="Memory that the fullest server of the store has taken",
)
STORE_LIMIT = Gauge(
    name="latentflow.broker.store.limit", unit="By", about="Memory that that server may take"
)
