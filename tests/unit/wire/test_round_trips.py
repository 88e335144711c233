"""Every value of the calls survives its way through protobuf's bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentflow.v1 import broker_pb2, receiver_pb2, sharer_pb2
from tests.unit.wire.ways import WAYS


@pytest.mark.parametrize("name", WAYS)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_value_comes_back_as_it_went(name: str, data: st.DataObject) -> None:
    way = WAYS[name]
    value = data.draw(way.values)
    encoded = way.to_proto(value).SerializeToString()
    assert way.from_proto(way.message.FromString(encoded)) == value


SERVICES = [
    broker_pb2.DESCRIPTOR.services_by_name["BrokerService"],
    receiver_pb2.DESCRIPTOR.services_by_name["ReceiverService"],
    sharer_pb2.DESCRIPTOR.services_by_name["SharerService"],
]


def test_every_request_and_response_that_says_anything_has_conversions() -> None:
    methods = [method for service in SERVICES for method in service.methods]
    spoken = {
        message.name
        for method in methods
        for message in (method.input_type, method.output_type)
        if message.fields
    }
    assert spoken <= {way.message.DESCRIPTOR.name for way in WAYS.values()}
