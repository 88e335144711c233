"""`python -m tests.otlp_heard PORT`: an OTLP collector that says what it hears.

A line for each when it comes first: the service, span or metric, its name, and from which process.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import grpc

from tests.otlp_receiver import OtlpReceiver

_LOOK_SECONDS = 0.5


def main(port: int) -> None:
    receiver = OtlpReceiver()
    server = grpc.server(ThreadPoolExecutor())
    receiver.add_to_server(server)
    server.add_insecure_port(f"0.0.0.0:{port}")
    server.start()
    told: set[str] = set()
    while True:
        heard = {f"{at.service} span {at.name} from {at.instance}" for at in receiver.spans()}
        heard |= {f"{at.service} metric {at.name} from {at.instance}" for at in receiver.points()}
        for line in sorted(heard - told):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        told |= heard
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main(int(sys.argv[1]))
