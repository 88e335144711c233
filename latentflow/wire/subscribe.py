"""Converts what a subscriber asks and the stream that the broker answers with."""

from latentflow.errors import EmptyInput
from latentflow.latent import Commit, Frame, parse_latent_id
from latentflow.relay import Open, StreamStep, SubscribeCall
from latentflow.v1 import broker_pb2
from latentflow.wire.latents import (
    commit_from_proto,
    commit_to_proto,
    frame_from_proto,
    frame_to_proto,
)


def subscribe_call_to_proto(call: SubscribeCall) -> broker_pb2.SubscribeRequest:
    return broker_pb2.SubscribeRequest(latent_id=call.latent_id, first_frame=call.first_frame)


def subscribe_call_from_proto(message: broker_pb2.SubscribeRequest) -> SubscribeCall:
    """Raises InvalidInput naming `latent_id`."""
    return SubscribeCall(
        latent_id=parse_latent_id(message.latent_id), first_frame=message.first_frame
    )


def stream_step_to_proto(step: StreamStep) -> broker_pb2.SubscribeResponse:
    match step:
        case Open():
            return broker_pb2.SubscribeResponse(manifest=step.manifest_bytes)
        case Frame():
            return broker_pb2.SubscribeResponse(frame=frame_to_proto(step))
        case Commit():
            return broker_pb2.SubscribeResponse(commit=commit_to_proto(step))


def stream_step_from_proto(message: broker_pb2.SubscribeResponse) -> StreamStep:
    """Raises EmptyInput naming `step`, InvalidInput naming the field; reads no manifest."""
    match message.WhichOneof("step"):
        case "manifest":
            return Open(manifest_bytes=message.manifest)
        case "frame":
            return frame_from_proto(message.frame)
        case "commit":
            return commit_from_proto(message.commit)
        case None:
            raise EmptyInput(field="step")
