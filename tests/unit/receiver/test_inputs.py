"""Which latents are asked for when the broker does not answer."""

import pytest
from opentelemetry.metrics import NoOpMeter
from opentelemetry.trace import NoOpTracer

from latentflow.calls import LatentInput, LatentInputs, LatentOutcome
from latentflow.errors import BrokerUnavailable, LatentFlowError, LatentRevoked
from latentflow.latent import LatentId, Outcome, new_latent_id
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.rpc.broker_client import Admit, BrokerClient, Fetched, admit_every
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


class FailingBroker(BrokerClient):
    """Fails for every latent alike, and notes which it was asked for."""

    def __init__(self, error: LatentFlowError) -> None:
        self._error = error
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
        raise self._error


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (LatentRevoked(latent_id=LATENT), [LATENT, TEXT]),
        (BrokerUnavailable(retry_after_seconds=1.0), [LATENT]),
    ],
    ids=["unusable", "broker-down"],
)
async def test_a_fallback_is_looked_for_where_there_is_a_broker_to_ask(
    pair: TinyPair, error: LatentFlowError, asked: list[LatentId]
) -> None:
    broker, failed = FailingBroker(error), list[LatentOutcome]()
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
    with pytest.raises(type(error)):
        async with gathering.gathered(DEFAULT_TENANT, given, failed.append, generation="g"):
            pytest.fail("nothing is read")
    assert broker.asked == asked
    assert [outcome.outcome for outcome in failed] == [Outcome.FAILED]
