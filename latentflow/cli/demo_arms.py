"""The ways from a context to an answer that the demo compares, timed as the caller sees them."""

import time
from dataclasses import dataclass

from latentflow.calls import (
    GenerateTimings,
    LatentMeans,
    Sampling,
    Shared,
    ShareTimings,
    TextMeans,
)
from latentflow.cli.demo_cases import DemoCase
from latentflow.client import Answer, LatentFlow

TEXT_TOKENS = 32
CALL_SECONDS = 120.0

# A small model goes on with questions of its own; an answer is one line.
_SAMPLING = Sampling(max_tokens=24, stop=("\n",))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRun:
    """One arm on one case. Seconds count from when the sharer has the context.

    `share_seconds` is how long sharing took; zero for an arm without a sharer.
    """

    arm: str
    answer: Answer
    share_seconds: float
    sharing: ShareTimings

    @property
    def first_token_seconds(self) -> float:
        return self.share_seconds + self.answer.first_token_seconds

    @property
    def seconds(self) -> float:
        return self.share_seconds + self.answer.seconds

    def stages(self) -> dict[str, float]:
        """Seconds by stage, in order; `rest` is calls, queues and what lies in between."""
        generating: GenerateTimings = self.answer.usage.timings
        stages = {
            "prefill sharer": self.sharing.prefill_seconds,
            "summarise": self.sharing.summarise_seconds,
            "publish": self.sharing.publish_seconds,
            "fetch": generating.fetch_seconds,
            "inject": generating.inject_seconds,
            "prefill receiver": generating.prefill_seconds,
            "decode": generating.decode_seconds,
        }
        return {**stages, "rest": max(self.seconds - sum(stages.values()), 0.0)}


async def run_arms(flow: LatentFlow, case: DemoCase, adapter: str) -> tuple[ArmRun, ...]:
    """Each arm once, one after the other: alone, text, latent."""
    return (
        await _alone(flow, case),
        await _shared(flow, case, f"text-{TEXT_TOKENS}", TextMeans(max_tokens=TEXT_TOKENS)),
        await _shared(flow, case, "latent", LatentMeans(adapter=adapter)),
    )


async def _alone(flow: LatentFlow, case: DemoCase) -> ArmRun:
    answer = await flow.ask(case.question, sampling=_SAMPLING, timeout=CALL_SECONDS)
    return ArmRun(arm="alone", answer=answer, share_seconds=0.0, sharing=ShareTimings())


async def _shared(
    flow: LatentFlow, case: DemoCase, arm: str, means: LatentMeans | TextMeans
) -> ArmRun:
    started = time.perf_counter()
    shared: Shared = await flow.share(case.context, means=means, fresh=True, timeout=CALL_SECONDS)
    share_seconds = time.perf_counter() - started
    latent_ids = [shared.latent.manifest.latent_id]
    answer = await flow.ask(case.question, latent_ids, sampling=_SAMPLING, timeout=CALL_SECONDS)
    return ArmRun(arm=arm, answer=answer, share_seconds=share_seconds, sharing=shared.timings)
