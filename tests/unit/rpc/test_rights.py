"""Every call of the contract needs a right, or is open on purpose."""

from latentflow.rpc.rights import OPEN_TO_TENANTS, RIGHT_OF, RIGHT_OF_SERVICE
from latentflow.tenants import Right
from latentflow.v1 import broker_pb2, receiver_pb2, sharer_pb2

METHODS = {
    f"/{service.full_name}/{method}"
    for file in (broker_pb2, receiver_pb2, sharer_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods_by_name
}


def test_no_method_is_forgotten_and_none_is_made_up() -> None:
    assert RIGHT_OF.keys() | OPEN_TO_TENANTS == METHODS
    assert not RIGHT_OF.keys() & OPEN_TO_TENANTS


def test_no_service_oversees() -> None:
    assert Right.ADMIN not in RIGHT_OF_SERVICE.values()
