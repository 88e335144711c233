"""`latentflow up`: the whole stack in the foreground until Ctrl-C."""

import time
from argparse import ArgumentParser, Namespace

from latentflow.cli.plan import add_plan_arguments, plan_from
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.stack import running_stack, usual_addresses
from latentflow.cli.stack_file import announced, require_none

_LOOK_SECONDS = 0.2


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.epilog = "It is for this machine, without TLS, and forgets everything when it ends."
    add_plan_arguments(parser, settings)


def run(arguments: Namespace, settings: Settings) -> None:
    require_none(settings.stack_file)
    progress = Progress()
    plan = plan_from(arguments, settings, progress)
    with (
        running_stack(plan, progress, addresses=usual_addresses(progress)) as stack,
        announced(settings.stack_file, stack.addresses),
    ):
        print(f"broker    {stack.addresses.broker}")
        print(f"sharer    {stack.addresses.sharer}")
        print(f"receiver  {stack.addresses.receiver}")
        print(f"admin     {stack.addresses.admin}  (the broker's)")
        print("Ctrl-C stops it. From another terminal: latentflow share FILE", flush=True)
        while True:
            stack.require_alive()
            time.sleep(_LOOK_SECONDS)
