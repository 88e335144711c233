"""An adapter's card: what it was trained on, how, and for how long.

Owns the card as a JSON object (in the adapter's file) and as Markdown (beside it); tables of what
an evaluation measured are handed in, since training measures nothing but its own loss.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from latentflow.files import read_text_file, write_text_file
from latentflow.training.curves import (
    CURVES_FILE,
    PROGRESS_FILE,
    VALIDATION_FILE,
    by_budget,
    curve_of,
    read_lines,
)
from latentflow.training.learner import Learner, parameters_of
from latentflow.training.plan import Plan
from latentflow.training.processes import ALONE, Processes
from latentflow.training.run import started

NOTES_FILE = "NOTES.md"
CARD_FILE = "README.md"
_LAST_STEPS = 50
_UNMEASURED = (
    "Not measured yet: `latentflow eval --json FILE` measures, `latentflow card` enters it here."
)


def card_of(
    plan: Plan, learner: Learner, folder: Path, command: str, processes: Processes = ALONE
) -> dict[str, object]:
    """Everything about the finished run in `folder`."""
    lines = read_lines(folder / PROGRESS_FILE)
    validation = by_budget(read_lines(folder / VALIDATION_FILE))
    pair = learner.pair
    return {
        "command": command,
        "method": str(plan.method),
        "sharer": pair.sharer.identity.name,
        "receiver": pair.receiver.identity.name,
        "mix": {Path(name).name: weight for name, weight in plan.mix},
        "schedule": asdict(plan.schedule),
        "start": started(folder),
        "training_seconds": round(sum(_spans([float(line["seconds"]) for line in lines]))),
        "final_loss": _mean(curve_of(lines).losses[-_LAST_STEPS:]),
        "validation_loss": {str(budget): curve.losses[-1] for budget, curve in validation.items()},
        "parameters": sum(parameter.numel() for parameter in parameters_of(learner)),
        "device": pair.receiver.device.type,
        "precision": str(pair.receiver.dtype).removeprefix("torch."),
        "processes": processes.count,
    }


def write_card(folder: Path, card: Mapping[str, Any], results: str = "") -> Path:
    """The card for people, beside the adapter in `folder`; `results` is Markdown of its figures.

    What people wrote of them in the folder's NOTES.md stands behind them.
    """
    path, notes = folder / CARD_FILE, folder / NOTES_FILE
    parts = (
        f"# {folder.name}",
        _summary(card, folder),
        f"## Results\n\n{results or _UNMEASURED}",
        *([read_text_file(notes).strip()] if notes.exists() else []),
        f"## Training\n\n{_facts(card)}",
        *([f"![loss by step]({CURVES_FILE})"] if (folder / CURVES_FILE).exists() else []),
        f"The command that trains the same again, its seed included:\n\n"
        f"```\n{card.get('command', '')}\n```",
        f"All of it, as the adapter's file has it:\n\n```json\n{_details(card)}\n```",
    )
    write_text_file(path, "\n\n".join(parts) + "\n")
    return path


def _summary(card: Mapping[str, Any], folder: Path) -> str:
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    pair = f"from {card.get('sharer')} to {card.get('receiver')}" if "sharer" in card else ""
    count = f"{card['parameters']:,} parameters, " if "parameters" in card else ""
    return f"`{card.get('method', 'adapter')}` {pair}: {count}{size / 1e6:.1f} MB."


def _facts(card: Mapping[str, Any]) -> str:
    rows = [f"| {name} | {value} |" for name, value in _described(card).items()]
    return "\n".join(["| | |", "| --- | --- |", *rows])


def _described(card: Mapping[str, Any]) -> dict[str, str]:
    """The training in words; what an older card does not tell is left out."""
    schedule, start = card.get("schedule", {}), card.get("start", {})
    told = {
        "data": ", ".join(f"{name} {weight:g}" for name, weight in card.get("mix", {}).items()),
        "steps": _steps(schedule) if schedule else "",
        "start": _start(start) if start else "",
        "layers": _pruned(card["pruned"]) if "pruned" in card else "",
        "time": _duration(card["training_seconds"]) if "training_seconds" in card else "",
        "on": _machine(card),
        "loss at the end": f"{card['final_loss']:.3f}" if "final_loss" in card else "",
        "validation loss by budget": ", ".join(
            f"{budget}: {loss:.3f}" for budget, loss in card.get("validation_loss", {}).items()
        ),
    }
    return {name: value for name, value in told.items() if value}


def _start(start: Mapping[str, Any]) -> str:
    """How long its making took, or the adapter it was and the steps that had taken."""
    if "from" not in start:
        return _duration(start["seconds"]) if "seconds" in start else ""
    card = start.get("card", {})
    before = f", trained before in {_steps(card['schedule'])}" if "schedule" in card else ""
    return f"the adapter {start['from'][:12]}{before}"


def _pruned(note: Mapping[str, Any]) -> str:
    """Which of the trained layers `latentflow prune` left."""
    return f"{', '.join(map(str, note['layers']))}: {len(note['layers'])} of {len(note['of'])}"


def _steps(schedule: Mapping[str, Any]) -> str:
    return (
        f"{schedule['steps']} of {schedule['contexts_a_step']} contexts, "
        f"the first {schedule['imitation_steps']} imitating a reader; seed {schedule['seed']}"
    )


def _machine(card: Mapping[str, Any]) -> str:
    if "device" not in card:
        return ""
    count = card.get("processes", 1)
    where = card["device"] if count == 1 else f"{count} x {card['device']}"
    return f"{where}, models in {card['precision']}" if "precision" in card else str(where)


def _details(card: Mapping[str, Any]) -> str:
    return json.dumps({key: card[key] for key in card if key != "command"}, indent=2)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def _spans(seconds: list[float]) -> list[float]:
    """Seconds of each unbroken stretch: the clock starts again where a run was resumed."""
    ends = [here for here, after in itertools.pairwise(seconds) if after < here]
    return [*ends, seconds[-1]]


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)
