"""Who has used a latent is known before its content is, and told when it is taken back."""

from latentflow.calls import LatentInput, OpenSessionCall, TextMeans
from latentflow.latent import new_latent_id
from tests.integration.services.callers import TIMEOUT, Stack, inputs

READER = "receiver-under-test"


async def test_every_generation_leaves_a_receipt(stack: Stack) -> None:
    latent_id = await stack.latent("The vault code is 4471.")
    for _ in range(2):
        await stack.ask("Which code?", latent_id)
    lineage = await stack.admin.get_lineage(latent_id, timeout=TIMEOUT)
    assert [receipt.reader for receipt in lineage.receipts] == [READER, READER]
    assert len({receipt.generation for receipt in lineage.receipts}) == 2
    assert lineage.latent.manifest.latent_id == latent_id


async def test_a_fallback_is_noted_where_it_was_used(stack: Stack) -> None:
    message = await stack.latent("The vault code is 4471.", TextMeans(max_tokens=8))
    lost = new_latent_id(now_ms=1, entropy=bytes(10))
    await stack.ask("Which code?", LatentInput(latent_id=lost, fallback=message))
    lineage = await stack.admin.get_lineage(message, timeout=TIMEOUT)
    assert [receipt.reader for receipt in lineage.receipts] == [READER]


async def test_a_session_is_a_use(stack: Stack) -> None:
    latent_id = await stack.latent("The vault code is 4471.")
    call = OpenSessionCall(inputs=inputs(latent_id))
    await stack.receiver.open_session(call, timeout=TIMEOUT)
    lineage = await stack.admin.get_lineage(latent_id, timeout=TIMEOUT)
    assert len(lineage.receipts) == 1


async def test_revoking_says_whom_it_had_reached(stack: Stack) -> None:
    latent_id = await stack.latent("The vault code is 4471.")
    await stack.ask("Which code?", latent_id)
    for _ in range(2):
        receipts = await stack.admin.revoke(latent_id, timeout=TIMEOUT)
        assert [receipt.reader for receipt in receipts] == [READER]
