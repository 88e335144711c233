"""A name server that a test can tell which addresses its one name has; knows IPv4 only."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_A = 1
_HEADER_BYTES = 12
_ANSWER_WITH_AUTHORITY = 0x8580
# The name of the question, by where it is in the message; type, class, seconds, length.
_RECORD = b"\xc0\x0c" + struct.pack("!HHIH", _A, 1, 0, 4)


class Names(asyncio.DatagramProtocol):
    """Any name has `addresses`."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    @property
    def port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    def datagram_received(self, query: bytes, asker: tuple[str, int]) -> None:
        end = query.index(b"\0", _HEADER_BYTES) + 5
        (asked,) = struct.unpack_from("!H", query, end - 4)
        found = self.addresses if asked == _A else ()
        header = query[:2] + struct.pack("!HHHHH", _ANSWER_WITH_AUTHORITY, 1, len(found), 0, 0)
        records = b"".join(_RECORD + socket.inet_aton(address) for address in found)
        self._transport.sendto(header + query[_HEADER_BYTES:end] + records, asker)


@asynccontextmanager
async def name_server(*addresses: str) -> AsyncIterator[Names]:
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(
        lambda: Names(*addresses), local_addr=("127.0.0.1", 0)
    )
    try:
        yield names
    finally:
        transport.close()
