import asyncio
from typing import Any

import pytest

from latentflow.errors import BrokerUnavailable, DeadlineExpired
from latentflow.rpc import outgoing
from latentflow.rpc.outgoing import Peer

PEER = Peer(lambda: BrokerUnavailable(retry_after_seconds=1.0))


async def test_a_call_that_outlives_its_deadline_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "OVERDUE_SECONDS", 0.01)

    async def never(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    method: Any = never
    with pytest.raises(DeadlineExpired):
        await asyncio.wait_for(PEER.ask(method, b"", timeout=0.01), 5)
