"""`python -m tests.asked_in_turn RECEIVER LATENT QUESTION TIMES`: asks over one channel.

Fails where a latent is not used.
"""

import asyncio
import sys

from latentflow.client import Addresses, connect
from latentflow.latent import LatentId, Outcome

_SECONDS = 60.0


async def main(receiver: str, latent: str, question: str, times: str) -> None:
    async with connect(Addresses(receiver=receiver)) as flow:
        for _ in range(int(times)):
            answer = await flow.ask(question, [LatentId(latent)], timeout=_SECONDS)
            assert [each.outcome for each in answer.outcomes] == [Outcome.LATENT]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
