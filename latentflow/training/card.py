"""An adapter's card: what it was trained on, how, and what it reached.

Owns the card as a JSON object (in the adapter's file) and as Markdown (beside it).
"""

import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from latentflow.evaluation.trial import Figures
from latentflow.training.loop import Trainee
from latentflow.training.run import Plan

Results = Mapping[str, Mapping[str, Figures]]


def card_of(plan: Plan, trainee: Trainee, folder: Path, command: str) -> dict[str, object]:
    """Everything about a finished run but its results, which are measured on the exported file."""
    lines = (folder / "progress.jsonl").read_text(encoding="utf-8").splitlines()
    modules = (trainee.encoder, trainee.decoder)
    return {
        "command": command,
        "mix": {Path(name).name: weight for name, weight in plan.mix},
        "schedule": asdict(plan.schedule),
        "closed_form": json.loads((folder / "closed_form.json").read_text(encoding="utf-8")),
        "training_seconds": round(sum(_spans(lines))),
        "final_loss": _mean([float(json.loads(line)["loss"]) for line in lines[-50:]]),
        "parameters": sum(
            parameter.numel() for module in modules for parameter in module.parameters()
        ),
        "device": str(trainee.pair.receiver.device),
    }


def with_results(
    card: dict[str, object], results: Results, cases: Mapping[str, int]
) -> dict[str, object]:
    figures = {
        name: {arm: asdict(figure) for arm, figure in arms.items()}
        for name, arms in results.items()
    }
    return card | {"results": figures, "cases": dict(cases)}


def write_card(path: Path, name: str, card: Mapping[str, object], results: Results) -> None:
    """The card for people: `README.md` beside the adapter."""
    tables = [_table(name, arms, card) for name, arms in results.items()]
    details = {key: card[key] for key in card if key not in ("results", "cases", "command")}
    path.write_text(
        f"# {name}\n\n"
        "Exact match and token F1, greedy, the sharer not knowing the question; int8 latents, one "
        "vector a token unless a window is named. *deranged* is the latent of another case.\n\n"
        + "\n\n".join(tables)
        + f"\n\nTrained by\n\n```\n{card['command']}\n```\n\n"
        + f"```json\n{json.dumps(details, indent=2)}\n```\n",
        encoding="utf-8",
    )


def _table(name: str, arms: Mapping[str, Figures], card: Mapping[str, object]) -> str:
    cases = card["cases"]
    assert isinstance(cases, dict)
    rows = [f"| {arm} | {f.exact_match:.2f} | {f.f1:.2f} |" for arm, f in arms.items()]
    head = f"## {name} ({cases[name]} cases)\n\n| arm | exact match | F1 |\n| --- | --- | --- |"
    return "\n".join([head, *rows])


def _spans(lines: list[str]) -> list[float]:
    """Seconds of each unbroken stretch: the clock starts again where a run was resumed."""
    seconds = [float(json.loads(line)["seconds"]) for line in lines]
    ends = [here for here, after in itertools.pairwise(seconds) if after < here]
    return [*ends, seconds[-1]]


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4)
