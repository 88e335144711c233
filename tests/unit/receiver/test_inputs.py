"""Which latents are asked for when one can't be had, and which error its caller hears."""

from collections.abc import Mapping

import pytest
from opentelemetry.metrics import NoOpMeter
from opentelemetry.trace import NoOpTracer

from latentflow.calls import LatentInput, LatentInputs, LatentOutcome
from latentflow.errors import (
    BrokerUnavailable,
    DeadlineExpired,
    LatentFlowError,
    LatentRevoked,
    Overloaded,
    RouteDemoted,
)
from latentflow.latent import LatentId, Outcome, new_latent_id
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.rpc.broker_client import Admit, BrokerClient, Fetched, admit_every
from latentflow.rpc.facts import class_of
from latentflow.sealing.guard import ReaderKeys
from latentflow.wire.guard import WITHOUT_KEYS, Guard
from services.receiver.budget import MemoryBudget
from services.receiver.fetching import Fetching
from services.receiver.fidelity import Fidelity
from services.receiver.inputs import Gathering
from services.receiver.metrics import ReceiverMetrics
from services.receiver.resident import Resident
from services.receiver.unpacking import Unpacking
from tests.tiny_pair import TinyPair

LATENT = new_latent_id(now_ms=1, entropy=bytes(10))
TEXT = new_latent_id(now_ms=2, entropy=bytes(10))


DEMOTED = RouteDemoted(adapter="tiny")
BROKER_DOWN = BrokerUnavailable(retry_after_seconds=1.0)


class FailingBroker(BrokerClient):
    """Fails for every latent, and notes which it was asked for."""

    def __init__(self, errors: Mapping[LatentId, LatentFlowError]) -> None:
        self._errors = errors
        self.asked = list[LatentId]()

    async def fetch(
        self,
        latent_id: LatentId,
        *,
        timeout: float,  # noqa: ASYNC109 (as BrokerClient has it)
        admit: Admit = admit_every,
        guard: Guard = WITHOUT_KEYS,
    ) -> Fetched:
        self.asked.append(latent_id)
        raise self._errors[latent_id]


async def failure(broker: BrokerClient, pair: TinyPair) -> LatentFlowError:
    """With which a call fails that names LATENT, with TEXT to fall back on; told as its reason."""
    failed = list[LatentOutcome]()
    resident = Resident(backbone=pair.receiver, adapters={})
    gathering = Gathering(
        Fetching(
            broker=broker,
            reader="here",
            fetch_seconds=1.0,
            keys=ReaderKeys(),
            budget=MemoryBudget("memory", 1),
        ),
        Unpacking(resident, Fidelity([], window=1, demote_below=0)),
        NoOpTracer(),
        ReceiverMetrics(NoOpMeter("test"), model="tiny"),
    )
    given = LatentInputs(latents=(LatentInput(latent_id=LATENT, fallback=TEXT),))
    with pytest.raises(LatentFlowError) as failing:
        async with gathering.gathered(DEFAULT_TENANT, given, failed.append, generation="g"):
            pytest.fail("nothing is read")
    (outcome,) = failed
    assert outcome.outcome is Outcome.FAILED
    assert class_of(outcome.reason) is type(failing.value)
    return failing.value


@pytest.mark.parametrize(
    ("error", "asked"),
    [(DEMOTED, [LATENT, TEXT]), (BROKER_DOWN, [LATENT])],
    ids=["unusable", "broker-down"],
)
async def test_a_fallback_is_looked_for_where_there_is_a_broker_to_ask(
    pair: TinyPair, error: LatentFlowError, asked: list[LatentId]
) -> None:
    broker = FailingBroker({LATENT: error, TEXT: LatentRevoked(latent_id=TEXT)})
    assert await failure(broker, pair) is error
    assert broker.asked == asked


@pytest.mark.parametrize(
    "away",
    [
        Overloaded(resource="memory", limit=1, retry_after_seconds=1.0),
        BROKER_DOWN,
        DeadlineExpired(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_fallback_that_is_away_for_a_moment_can_be_asked_for_again(
    pair: TinyPair, away: LatentFlowError
) -> None:
    assert await failure(FailingBroker({LATENT: DEMOTED, TEXT: away}), pair) is away
