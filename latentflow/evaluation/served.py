"""The same arms through running services, each case as a caller would put it.

Owns how an arm becomes calls; which services, and starting them, are the command line's.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from latentflow.calls import LatentMeans, TextMeans
from latentflow.client import LatentFlow
from latentflow.errors import EmptyInput, InvalidInput, UnsupportedMethod
from latentflow.evaluation.arm_names import ArmName, Kind
from latentflow.evaluation.arms import size_of
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.crossing import cross_text
from latentflow.evaluation.halves import halves
from latentflow.evaluation.measuring import Heard, Replies, Reply, Times
from latentflow.evaluation.receiving import answer_sampling
from latentflow.latent import LatentId
from latentflow.model.adapter_file import AdapterHeader
from latentflow.model.adapters import SERVED
from latentflow.model.prompt import PromptFormat

_CALLS_A_CASE = 3  # two sharers, one receiver
_NOT_SERVED = (Kind.ZERO, Kind.CONSTANT)
_WITHOUT_LATENT = (Kind.ALONE, Kind.TEXT, Kind.FULL_TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The services, the adapter's name there and what its file says, and each call's limit."""

    flow: LatentFlow
    adapter: str
    header: AdapterHeader
    timeout_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    latent_ids: tuple[LatentId, ...] = ()
    wire_bytes: int = 0


def require_served(arms: Sequence[ArmName], header: AdapterHeader) -> None:
    """Raises InvalidInput for an arm that services don't offer, or ask in another form.

    Raises UnsupportedMethod for an adapter that they can't hand over.
    """
    if header.method not in SERVED:
        raise UnsupportedMethod(method=header.method)
    for arm in arms:
        if arm.tuned or arm.kind in _NOT_SERVED:
            raise InvalidInput(field=f"arm {arm.text}", problem="is not offered by services")
        # Without a latent a receiver asks in the form it is built with.
        if arm.kind in _WITHOUT_LATENT and header.prompt != PromptFormat():
            problem = "the adapter's prompt is not the receiver's own"
            raise InvalidInput(field=f"arm {arm.text}", problem=problem)


async def measure_served(
    service: Service,
    arms: Sequence[ArmName],
    cases: Sequence[Asked],
    others: Mapping[Asked, Asked],
    *,
    heard: Heard = lambda _done: None,
) -> Replies:
    """Every arm on every case, one call after the other, after a warm-up on the first case.

    Raises what the services raise.
    """
    for arm in arms:
        await _reply(service, arm, cases[0], others)
    replies: dict[str, list[Reply]] = {arm.text: [] for arm in arms}
    for done, case in enumerate(cases, start=1):
        for arm in arms:
            replies[arm.text].append(await _reply(service, arm, case, others))
        heard(done)
    return replies


async def _reply(
    service: Service, arm: ArmName, case: Asked, others: Mapping[Asked, Asked]
) -> Reply:
    began_at = time.perf_counter()
    sent = await _send(service, arm, others[case] if arm.kind is Kind.DERANGED else case)
    shared_seconds = time.perf_counter() - began_at
    answer = await service.flow.ask(
        case.question,
        sent.latent_ids,
        context=_own_context(arm, case),
        sampling=answer_sampling(service.header.prompt),
        timeout=service.timeout_seconds,
    )
    return Reply(
        answer=answer.text.strip(),
        wire_bytes=sent.wire_bytes,
        times=Times(
            first_token_seconds=shared_seconds + answer.first_token_seconds,
            answer_seconds=shared_seconds + answer.seconds,
        ),
    )


async def _send(service: Service, arm: ArmName, case: Asked) -> _Sent:
    means = _means(arm, service.adapter, service.header)
    sent = _Sent(wire_bytes=cross_text(_whole_text(arm, case))[1])
    contexts = halves(case) if arm.kind is Kind.TWO_SHARERS else (case.context,)
    for context in contexts if means else ():
        more = await _share(service, context, means, need=case.question if arm.need else "")
        sent = _Sent(
            latent_ids=sent.latent_ids + more.latent_ids,
            wire_bytes=sent.wire_bytes + more.wire_bytes,
        )
    return sent


async def _share(
    service: Service, context: str, means: LatentMeans | TextMeans | None, *, need: str
) -> _Sent:
    """A sharer that writes nothing has nothing to send. The store soon forgets what it held."""
    try:
        shared = await service.flow.share(
            context,
            means=means,
            need=need,
            lifetime_seconds=ceil(_CALLS_A_CASE * service.timeout_seconds),
            fresh=True,  # its making is timed
            timeout=service.timeout_seconds,
        )
    except EmptyInput as error:
        if error.field != "text":
            raise
        return _Sent()
    latent = shared.latent
    return _Sent(latent_ids=(latent.manifest.latent_id,), wire_bytes=latent.payload_bytes)


def _means(arm: ArmName, adapter: str, header: AdapterHeader) -> LatentMeans | TextMeans | None:
    match arm.kind:
        case Kind.ALONE | Kind.FULL_TEXT:
            return None
        case Kind.TEXT:
            return TextMeans(max_tokens=arm.tokens)
        case _:
            return LatentMeans(adapter=adapter, quantisation=size_of(header, arm).quantisation)


def _whole_text(arm: ArmName, case: Asked) -> str:
    """What crosses as it is, in the receiver's own context; counted as a text's frame is."""
    return case.context.strip() if arm.kind is Kind.FULL_TEXT else ""


def _own_context(arm: ArmName, case: Asked) -> str:
    if text := _whole_text(arm, case):
        return f"{case.receiver_context.strip()} {text}".strip()
    return case.receiver_context
