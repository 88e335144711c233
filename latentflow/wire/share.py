"""Converts the sharer's calls and events. A zero on the wire means the default of the .proto."""

from latentflow.calls import (
    DEFAULT_FLOW,
    DEFAULT_LIFETIME_SECONDS,
    LatentMeans,
    Prefilled,
    Published,
    Queued,
    ShareCall,
    Shared,
    ShareEvent,
    ShareTimings,
    TextMeans,
)
from latentflow.errors import EmptyInput
from latentflow.latent import parse_flow_name
from latentflow.quantisation import Quantisation
from latentflow.v1 import sharer_pb2
from latentflow.wire.enums import QUANTISATION
from latentflow.wire.infos import latent_info_from_proto, latent_info_to_proto
from latentflow.wire.latents import label_from_proto, label_to_proto
from latentflow.wire.text import utf8_only


@utf8_only("share")
def share_call_to_proto(call: ShareCall) -> sharer_pb2.ShareRequest:
    message = sharer_pb2.ShareRequest(
        flow=call.flow,
        context=call.context,
        need=call.need,
        lifetime_seconds=call.lifetime_seconds,
        labels=[label_to_proto(label) for label in call.labels],
        fresh=call.fresh,
    )
    if isinstance(call.means, LatentMeans):
        message.latent.CopyFrom(_latent_means_to_proto(call.means))
    else:
        message.text.max_tokens = call.means.max_tokens
    return message


def share_call_from_proto(message: sharer_pb2.ShareRequest) -> ShareCall:
    """Raises EmptyInput naming `context` or `means`, InvalidInput naming the field."""
    return ShareCall(
        context=message.context,
        means=_means_from_proto(message),
        need=message.need,
        flow=parse_flow_name(message.flow or DEFAULT_FLOW),
        lifetime_seconds=message.lifetime_seconds or DEFAULT_LIFETIME_SECONDS,
        labels=tuple(label_from_proto(label) for label in message.labels),
        fresh=message.fresh,
    )


def _means_from_proto(message: sharer_pb2.ShareRequest) -> LatentMeans | TextMeans:
    match message.WhichOneof("means"):
        case "latent":
            return _latent_means_from_proto(message.latent)
        case "text":
            return TextMeans(max_tokens=message.text.max_tokens)
        case None:
            raise EmptyInput(field="means")


def _latent_means_to_proto(means: LatentMeans) -> sharer_pb2.LatentMeans:
    return sharer_pb2.LatentMeans(
        adapter=means.adapter,
        quantisation=QUANTISATION.to_proto(means.quantisation),
    )


def _latent_means_from_proto(message: sharer_pb2.LatentMeans) -> LatentMeans:
    number = message.quantisation or QUANTISATION.to_proto(Quantisation.INT8)
    return LatentMeans(
        adapter=message.adapter,
        quantisation=QUANTISATION.from_proto(number, "latent.quantisation"),
    )


def share_event_to_proto(event: ShareEvent) -> sharer_pb2.ShareResponse:
    match event:
        case Queued():
            return sharer_pb2.ShareResponse(queued=sharer_pb2.Queued(ahead=event.ahead))
        case Prefilled():
            prefilled = sharer_pb2.Prefilled(tokens=event.tokens, of_tokens=event.of_tokens)
            return sharer_pb2.ShareResponse(prefilled=prefilled)
        case Published():
            published = sharer_pb2.Published(acknowledged_frames=event.acknowledged_frames)
            return sharer_pb2.ShareResponse(published=published)
        case Shared():
            return sharer_pb2.ShareResponse(committed=_shared_to_proto(event))


def share_event_from_proto(message: sharer_pb2.ShareResponse) -> ShareEvent:
    """Raises EmptyInput naming `step`, or as `latent_info_from_proto`."""
    match message.WhichOneof("step"):
        case "queued":
            return Queued(ahead=message.queued.ahead)
        case "prefilled":
            prefilled = message.prefilled
            return Prefilled(tokens=prefilled.tokens, of_tokens=prefilled.of_tokens)
        case "published":
            return Published(acknowledged_frames=message.published.acknowledged_frames)
        case "committed":
            return _shared_from_proto(message.committed)
        case None:
            raise EmptyInput(field="step")


def _shared_to_proto(shared: Shared) -> sharer_pb2.Committed:
    timings = shared.timings
    return sharer_pb2.Committed(
        latent=latent_info_to_proto(shared.latent),
        timings=sharer_pb2.ShareTimings(
            queue_seconds=timings.queue_seconds,
            prefill_seconds=timings.prefill_seconds,
            summarise_seconds=timings.summarise_seconds,
            publish_seconds=timings.publish_seconds,
        ),
        reused=shared.reused,
    )


def _shared_from_proto(message: sharer_pb2.Committed) -> Shared:
    timings = message.timings
    return Shared(
        latent=latent_info_from_proto(message.latent),
        timings=ShareTimings(
            queue_seconds=timings.queue_seconds,
            prefill_seconds=timings.prefill_seconds,
            summarise_seconds=timings.summarise_seconds,
            publish_seconds=timings.publish_seconds,
        ),
        reused=message.reused,
    )
