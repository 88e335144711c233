from typing import Any

from latentflow.rpc.channel import SERVICE_CONFIG
from latentflow.v1 import broker_pb2, receiver_pb2, sharer_pb2

SERVICES = {
    service.full_name: set(service.methods_by_name)
    for file in (broker_pb2, receiver_pb2, sharer_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
}


def retried() -> set[tuple[str, str]]:
    config: Any = SERVICE_CONFIG["methodConfig"]
    return {(name["service"], name["method"]) for name in config[0]["name"]}


def test_every_retried_method_exists() -> None:
    assert all(method in SERVICES[service] for service, method in retried())


def test_only_calls_that_change_something_twice_are_not_retried() -> None:
    every = {(service, method) for service, methods in SERVICES.items() for method in methods}
    receiver = "latentflow.v1.ReceiverService"
    assert every - retried() == {(receiver, "OpenSession"), (receiver, "CloseSession")}
