"""Converts what a publisher says and what the broker answers."""

from latentflow.errors import EmptyInput
from latentflow.latent import Commit, Frame
from latentflow.relay import (
    MAX_WHOLE_BYTES,
    Abort,
    GivenUp,
    Open,
    Opened,
    Progress,
    PublishEvent,
    PublishStep,
    Stored,
    Whole,
)
from latentflow.v1 import broker_pb2
from latentflow.wire.infos import latent_info_from_proto, latent_info_to_proto
from latentflow.wire.latents import (
    commit_from_proto,
    commit_to_proto,
    frame_from_proto,
    frame_to_proto,
)
from latentflow.wire.manifests import MAX_MANIFEST_BYTES

# The largest is a whole latent; the last summand is for all that stands around the bytes.
MAX_REQUEST_BYTES = MAX_MANIFEST_BYTES + MAX_WHOLE_BYTES + 16 * 1024


def publish_step_to_proto(step: PublishStep) -> broker_pb2.PublishRequest:
    match step:
        case Open():
            opening = broker_pb2.PublishOpen(manifest=step.manifest_bytes)
            return broker_pb2.PublishRequest(open=opening)
        case Whole():
            whole = broker_pb2.PublishOpen(
                manifest=step.manifest_bytes,
                frames=map(frame_to_proto, step.frames),
                commit=commit_to_proto(step.commit),
            )
            return broker_pb2.PublishRequest(open=whole)
        case Frame():
            return broker_pb2.PublishRequest(frame=frame_to_proto(step))
        case Commit():
            return broker_pb2.PublishRequest(commit=commit_to_proto(step))
        case Abort():
            abort = broker_pb2.PublishAbort(problem=step.problem)
            return broker_pb2.PublishRequest(abort=abort)


def publish_step_from_proto(message: broker_pb2.PublishRequest) -> PublishStep:
    """Raises EmptyInput naming `step`, InvalidInput naming the field; reads no manifest."""
    match message.WhichOneof("step"):
        case "open":
            return _opening_from_proto(message.open)
        case "frame":
            return frame_from_proto(message.frame)
        case "commit":
            return commit_from_proto(message.commit)
        case "abort":
            return Abort(problem=message.abort.problem)
        case None:
            raise EmptyInput(field="step")


def _opening_from_proto(message: broker_pb2.PublishOpen) -> Open | Whole:
    if not message.HasField("commit") and not message.frames:
        return Open(manifest_bytes=message.manifest)
    return Whole(
        manifest_bytes=message.manifest,
        frames=tuple(map(frame_from_proto, message.frames)),
        commit=commit_from_proto(message.commit),
    )


def publish_event_to_proto(event: PublishEvent) -> broker_pb2.PublishResponse:
    match event:
        case Opened():
            opened = broker_pb2.PublishOpened(
                acknowledged_frames=event.acknowledged_frames, credit_bytes=event.credit_bytes
            )
            return broker_pb2.PublishResponse(opened=opened)
        case Progress():
            progress = broker_pb2.PublishProgress(
                acknowledged_frames=event.acknowledged_frames, credit_bytes=event.credit_bytes
            )
            return broker_pb2.PublishResponse(progress=progress)
        case Stored():
            committed = broker_pb2.PublishCommitted(latent=latent_info_to_proto(event.latent))
            return broker_pb2.PublishResponse(committed=committed)
        case GivenUp():
            return broker_pb2.PublishResponse(aborted=broker_pb2.PublishAborted())


def publish_event_from_proto(message: broker_pb2.PublishResponse) -> PublishEvent:
    """Raises EmptyInput naming `step`, or as `latent_info_from_proto`."""
    match message.WhichOneof("step"):
        case "opened":
            return Opened(
                acknowledged_frames=message.opened.acknowledged_frames,
                credit_bytes=message.opened.credit_bytes,
            )
        case "progress":
            return Progress(
                acknowledged_frames=message.progress.acknowledged_frames,
                credit_bytes=message.progress.credit_bytes,
            )
        case "committed":
            return Stored(latent=latent_info_from_proto(message.committed.latent))
        case "aborted":
            return GivenUp()
        case None:
            raise EmptyInput(field="step")
