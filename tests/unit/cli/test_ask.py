"""How a latent is named on the command line."""

import pytest

from latentflow.calls import LatentInput
from latentflow.cli.ask import latent_input
from latentflow.errors import InvalidInput
from latentflow.latent import new_latent_id

LATENT = new_latent_id(now_ms=1, entropy=bytes(10))
TEXT = new_latent_id(now_ms=2, entropy=bytes(10))


def test_a_latent_may_name_a_text_to_read_in_its_place() -> None:
    assert latent_input(LATENT) == LatentInput(latent_id=LATENT)
    assert latent_input(f"{LATENT}:{TEXT}") == LatentInput(latent_id=LATENT, fallback=TEXT)


@pytest.mark.parametrize("given", ["", "x", ":", f"{LATENT}:", f":{TEXT}", f"{LATENT}:{TEXT}:x"])
def test_what_is_no_id_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput):
        latent_input(given)
