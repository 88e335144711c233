"""`python -m tests.faults.publisher ADDRESS`: publishes the latents that it is told to."""

import asyncio
import sys

from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from tests.faults.duty import serve
from tests.faults.words import Order


async def main(address: str) -> None:
    async with open_channel(address) as channel:
        client = BrokerClient(channel)

        async def publish(order: Order) -> str:
            made = order.recipe.make()
            info = await client.publish(made.manifest_bytes, made.frames, timeout=order.timeout)
            return info.commit.sha256 if info.commit else "not committed"

        await serve(publish)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
