"""The steps of a stream in a file: a reader that was killed goes on from the frame it had."""

from collections.abc import Iterator
from pathlib import Path

from latentflow.relay import StreamStep
from latentflow.v1.broker_pb2 import SubscribeResponse
from latentflow.wire.subscribe import stream_step_from_proto, stream_step_to_proto

_SIZE_BYTES = 4


class Spool:
    """Each step with its size in front, so that one half written is known for what it is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> list[StreamStep]:
        """The whole steps; what is behind them is dropped."""
        data = self._path.read_bytes() if self._path.exists() else b""
        steps = list(_whole_steps(data))
        self.forget()
        for step in steps:
            self.keep(step)
        return steps

    def keep(self, step: StreamStep) -> None:
        encoded = stream_step_to_proto(step).SerializeToString()
        with self._path.open("ab") as file:
            file.write(len(encoded).to_bytes(_SIZE_BYTES) + encoded)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


def _whole_steps(data: bytes) -> Iterator[StreamStep]:
    while len(data) >= _SIZE_BYTES:
        size = int.from_bytes(data[:_SIZE_BYTES])
        encoded, data = data[_SIZE_BYTES : _SIZE_BYTES + size], data[_SIZE_BYTES + size :]
        if len(encoded) < size:
            return
        yield stream_step_from_proto(SubscribeResponse.FromString(encoded))
