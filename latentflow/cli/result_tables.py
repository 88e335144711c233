"""Results as Markdown: a table a set of cases, and what follows from it."""

from collections.abc import Sequence

from latentflow.cli.results import ArmResult, Result, Scored
from latentflow.evaluation.significance import Estimate

_NOTE = (
    "Exact match and token F1 with 95% intervals; option accuracy where a case has options; "
    "medians of the time from when the sharer has the context. *@1/4* is a latent of a quarter "
    "of the whole one's bits, *deranged* the latent of another case, *need* a message by a sharer "
    "that was shown the question, *tuned* a receiver with a trained prefix in front of the text."
)
_HEADER = (
    "arm",
    "exact match",
    "F1",
    "options",
    "first token, ms",
    "answer, ms",
    "bytes on the wire",
)
_GAIN_NAMES = {
    "system_gain": "Gain over *alone*",
    "pairing_gain": "gain over *deranged*",
    "follow_rate": "answers that follow the deranged latent",
}


def results_markdown(results: Sequence[Result]) -> str:
    """Every set's table, in the order given; which adapter is said where there are several."""
    several = len({result.adapter for result in results}) > 1
    return "\n\n".join([_NOTE, *(_section(result, several) for result in results)])


def title(result: Result, *, with_adapter: bool) -> str:
    """Names a result in tables and plots."""
    return f"{result.data}, {result.adapter}" if with_adapter else result.data


def _section(result: Result, several: bool) -> str:
    head = f"### {title(result, with_adapter=several)} ({result.cases} cases)"
    rule = ["---", *["---:"] * (len(_HEADER) - 1)]
    lines = [_line(_HEADER), _line(rule), *(_line(_row(arm)) for arm in result.arms)]
    return "\n\n".join([head, "\n".join(lines), *_sums(result), *_precision(result)])


def _row(arm: ArmResult) -> tuple[str, ...]:
    return (
        arm.name.text,
        _estimate(arm.scored.em),
        _estimate(arm.scored.f1),
        _number(arm.option_accuracy, ".3f"),
        _number(arm.first_token_ms, ".0f"),
        _number(arm.answer_ms, ".0f"),
        _number(arm.wire_bytes, ",.0f"),
    )


def _sums(result: Result) -> list[str]:
    """One sentence, where the arms allow any."""
    parts = [f"{_GAIN_NAMES[name]} {_gain(scored)}" for name, scored in result.gains.items()]
    if result.best_text and result.p is not None:
        parts.append(f"McNemar against *{result.best_text}* p = {result.p:.2g}")
    return ["; ".join(parts) + "."] if parts else []


def _precision(result: Result) -> list[str]:
    sides = [f"the {side} in {dtype}" for side, dtype in result.precision.items()]
    return [f"Measured with {' and '.join(sides)}."] if sides else []


def _gain(scored: Scored) -> str:
    return f"{_estimate(scored.em)} exact match, {_estimate(scored.f1)} F1"


def _estimate(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
