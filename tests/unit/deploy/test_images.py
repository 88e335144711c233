"""What the images of the services say to what runs in them."""

from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[3] / "services"


@pytest.mark.parametrize("service", ["broker", "sharer", "receiver"])
def test_in_an_image_grpcs_core_writes_no_lines_of_its_own(service: str) -> None:
    """Read when grpc is imported, and so from the environment only."""
    assert "ENV GRPC_VERBOSITY=NONE" in (SERVICES / service / "Dockerfile").read_text().splitlines()
