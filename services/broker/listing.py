"""How a tenant's latents are ordered and paged: by members that sort by age, newest first."""

import re

from latentflow.errors import InvalidInput
from latentflow.latent import LatentId
from services.broker.record import LatentRef, Opening

_MEMBER = re.compile(r"([0-9]{13})-([0-9A-Z]{26})")


def member(ref: LatentRef, opening: Opening) -> str:
    """Where a latent stands in its listings. It is the page token behind it, too."""
    return f"{opening.created_ms:013d}-{ref.latent_id}"


def latent_of(listed: str) -> LatentId:
    return LatentId(listed.partition("-")[2])


def require_token(after: str) -> None:
    """Raises InvalidInput unless `after` is empty or one of our tokens."""
    if after and not _MEMBER.fullmatch(after):
        raise InvalidInput(field="page_token", problem="must come from the page before")
