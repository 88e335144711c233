"""A channel whose credentials may change while it is in use: gRPC's own keep those they began with.

Every call goes out on the channel of the newest credentials; an older one goes with its last call.
"""

from collections.abc import Callable
from typing import Any

import grpc

from latentflow.rpc.access import Credentials, Metadata

Open = Callable[[grpc.ChannelCredentials], grpc.aio.Channel]


class RenewingChannel(grpc.aio.Channel):
    """Opens another channel with `open_with` whenever `credentials` gives another object."""

    def __init__(self, open_with: Open, credentials: Credentials) -> None:
        self._open_with = open_with
        self._credentials = credentials
        self._used: grpc.ChannelCredentials | None = None
        self._newest: grpc.aio.Channel | None = None

    def unary_unary(self, *described: Any, **options: Any) -> Any:
        return self._late("unary_unary", described, options)

    def unary_stream(self, *described: Any, **options: Any) -> Any:
        return self._late("unary_stream", described, options)

    def stream_unary(self, *described: Any, **options: Any) -> Any:
        return self._late("stream_unary", described, options)

    def stream_stream(self, *described: Any, **options: Any) -> Any:
        return self._late("stream_stream", described, options)

    async def close(self, grace: float | None = None) -> None:
        """Ends the calls on the newest channel; those on older ones are their callers' to end."""
        if self._newest is not None:
            await self._newest.close(grace)

    async def __aenter__(self) -> "RenewingChannel":
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._current()[0].get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._current()[0].wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._current()[0].channel_ready()

    def _current(self) -> tuple[grpc.aio.Channel, Metadata]:
        shown = self._credentials()
        assert shown is not None
        if self._newest is None or shown.credentials is not self._used:
            self._used, self._newest = shown.credentials, self._open_with(shown.credentials)
        return self._newest, shown.metadata

    def _late(self, kind: str, described: Any, options: Any) -> Callable[..., Any]:
        """What `kind` makes, only that the channel is chosen with each call."""

        def begin(*requests: Any, metadata: Metadata | None = None, **about: Any) -> Any:
            channel, own = self._current()
            multicallable = getattr(channel, kind)(*described, **options)
            call = multicallable(*requests, metadata=(*(metadata or ()), *own), **about)
            # Not collected before: nobody promises what becomes of a call that waits to connect.
            call.add_done_callback(lambda _: channel)
            return call

        return begin
