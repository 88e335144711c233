"""From what is fetched to what can be read, by the adapters that are held and trusted."""

import asyncio

from latentflow.calls import LatentInput
from latentflow.latent import Manifest
from latentflow.rpc.broker_client import Fetched
from latentflow.wire.quantise import unpack
from latentflow.wire.text import read_text
from services.receiver.acceptance import accept
from services.receiver.fidelity import Fidelity
from services.receiver.reading import Message, Part, Slots
from services.receiver.resident import Resident


class Unpacking:
    """Knows what this receiver holds; asks nobody."""

    def __init__(self, resident: Resident, fidelity: Fidelity) -> None:
        self._adapters = resident.adapters
        self._holdings = resident.holdings()
        self._fidelity = fidelity

    def check(self, given: LatentInput, manifest: Manifest) -> None:
        """Raises as `accept`, and RouteDemoted where a call has a text to go by instead."""
        digest = accept(manifest, self._holdings)
        if digest is not None and given.fallback is not None:
            self._fidelity.require_trusted(self._adapters[digest].name)

    async def part(self, fetched: Fetched) -> Part:
        """Raises as `unpack` and `read_text`."""
        return await asyncio.to_thread(self._part, fetched)

    def _part(self, fetched: Fetched) -> Part:
        manifest = fetched.manifest
        digest = accept(manifest, self._holdings)
        if digest is None:
            return Message(text=read_text(fetched.stream))
        vectors = unpack(fetched.stream, manifest.layout, manifest.codec)
        return Slots(adapter=self._adapters[digest], vectors=vectors)
