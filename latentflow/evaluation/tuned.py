"""Content-free trained prefixes of the tuned text arms, from a folder of soft prefixes.

Owns where an arm's prefix lies: in the folder of the arm's name.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from latentflow.evaluation.arm_names import ArmName
from latentflow.evaluation.arms import TunedSlots
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache
from latentflow.model.soft_prefix_file import (
    SOFT_PREFIX_FILE,
    describe_soft_prefix,
    load_soft_prefix,
)


def describe_tuned(folder: Path, arms: Sequence[ArmName]) -> dict[str, object]:
    """What there is to say of the prefix of each tuned arm. Raises as `describe_soft_prefix`."""
    return {
        arm.text: describe_soft_prefix(folder / arm.text / SOFT_PREFIX_FILE)
        for arm in arms
        if arm.tuned
    }


def tuned_slots_in(folder: Path, receiver: Backbone) -> TunedSlots:
    """The slots of an arm, once asked for.

    They raise UnknownAdapter when the arm has no prefix there, AdapterCorrupt, IdentityMismatch.
    """

    def slots(arm: str) -> KVCache:
        prefix = load_soft_prefix(folder / arm / SOFT_PREFIX_FILE, receiver)
        with torch.no_grad():
            cache: KVCache = prefix()
        return cache

    return slots
