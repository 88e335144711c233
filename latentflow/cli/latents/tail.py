"""`latentflow latents tail FLOW`: tells of a flow's latents as they are committed."""

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from latentflow.cli.broker_work import with_broker
from latentflow.cli.endpoints import add_endpoint_arguments
from latentflow.cli.latents.wording import size_of
from latentflow.cli.settings import Settings
from latentflow.cli.shown import counted, plain
from latentflow.errors import DeadlineExpired
from latentflow.latent import MAX_LIFETIME_SECONDS, parse_flow_name
from latentflow.relay import AckCall, DeadLetter, Delivery, WatchCall
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.deadline import Deadline

_ACK_SECONDS = 30.0


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("flow", metavar="FLOW", help="`<flow>.dead` has what no member took")
    parser.add_argument("--group", default="", metavar="GROUP", help="acknowledges what it told")
    parser.add_argument("--consumer", default="", metavar="NAME", help="a member of the group")
    # Whoever watches longer than any latent lives may as well begin anew.
    add_endpoint_arguments(parser, "broker", timeout_seconds=float(MAX_LIFETIME_SECONDS))


def run(arguments: Namespace, settings: Settings) -> None:
    """Until Ctrl-C, or until `--timeout` has passed."""
    call = WatchCall(
        flow=parse_flow_name(arguments.flow), group=arguments.group, consumer=arguments.consumer
    )
    with_broker(arguments, settings, lambda broker, deadline: _tail(broker, call, deadline))


async def _tail(broker: BrokerClient, call: WatchCall, deadline: Deadline) -> None:
    """Acknowledges what it told, and not before, when it watches for a group."""
    async with aclosing(_deliveries(broker, call, deadline)) as deliveries:
        async for delivery in deliveries:
            print(_line(delivery), flush=True)
            if call.group:
                await broker.ack(_receipt(call, delivery), timeout=_ACK_SECONDS)


async def _deliveries(
    broker: BrokerClient, call: WatchCall, deadline: Deadline
) -> AsyncGenerator[Delivery, None]:
    """Ends with the deadline."""
    watching = broker.watch(call, timeout=deadline.remaining_seconds())
    with suppress(DeadlineExpired):
        async with aclosing(watching) as deliveries:
            async for delivery in deliveries:
                yield delivery


def _receipt(call: WatchCall, delivery: Delivery) -> AckCall:
    return AckCall(flow=call.flow, group=call.group, delivery_ids=(delivery.delivery_id,))


def _line(delivery: Delivery) -> str:
    info = delivery.latent
    told = f"{info.manifest.latent_id}  {info.manifest.method}, {size_of(info)}"
    return told if delivery.dead_letter is None else f"{told}; {_fate(delivery.dead_letter)}"


def _fate(letter: DeadLetter) -> str:
    where = f"group {plain(letter.group)} of flow {letter.flow}"
    tried = counted(letter.deliveries, "attempt")
    return f"given up for {where} after {tried}: {plain(letter.reason)}"
