"""Whatever bytes come as a message, the answer is a status of the contract and the server stays."""

import logging
from random import Random

import pytest

from tests.integration.fuzzing.asking import LARGEST, Target, ask_all, full_name
from tests.integration.fuzzing.messages import messages

SEED = 5
OF_EACH_SORT = 50


async def test_any_message_to_any_method_is_answered_with_a_typed_status(
    target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    random = Random(SEED)
    for method in target.methods():
        wild = messages(random, method.input_type, OF_EACH_SORT)
        # Larger ones are refused by gRPC, which knows no types: test_sizes.py.
        raws = [raw for raw in wild if len(raw) <= LARGEST[target.name]]
        for answer in await ask_all(target.channel, full_name(method), raws):
            answer.require_clean()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    await target.require_working()
