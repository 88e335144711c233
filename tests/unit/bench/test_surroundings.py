"""What a result tells of where it was measured, and what it must not tell."""

import json
import os
import platform

from bench.latents import sealed
from bench.machine import facts
from bench.memory import memory_of
from latentflow.quantisation import Quantisation
from latentflow.wire.manifests import manifest_from_bytes


def test_facts_can_be_written_and_name_neither_the_machine_nor_a_path() -> None:
    written = json.dumps(facts())
    assert platform.python_version() in written
    assert f'"{platform.node()}"' not in written
    assert '"/' not in written


def test_shared_pages_count_less_the_more_is_left_out() -> None:
    held = memory_of(os.getpid())
    assert 0 < held.uss <= held.pss <= held.rss
    assert held.peak > 0


def test_reborn_latent_has_the_same_frames_under_an_id_of_its_own() -> None:
    latent = sealed(3, 16, Quantisation.INT8)
    (first, first_bytes), (second, second_bytes) = latent.reborn(), latent.reborn()
    assert len({first, second, latent.manifest.latent_id}) == 3
    assert manifest_from_bytes(first_bytes).latent_id == first
    assert manifest_from_bytes(second_bytes).latent_id == second
    assert latent.payload_bytes == sum(len(frame.payload) for frame in latent.frames)
