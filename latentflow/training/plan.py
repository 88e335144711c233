"""What a training run is to do, as one value."""

from dataclasses import dataclass, field
from pathlib import Path

from latentflow.calls import MAX_MESSAGE_TOKENS
from latentflow.errors import InvalidInput
from latentflow.latent import Method
from latentflow.model.prompt import PromptFormat
from latentflow.training.loop import Schedule

MEMOS = "memos"
WORDS = "words"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to train on what. `mix` names `memos`, `words` or a file, each with its weight.

    `width` and `stride` are an lcf-prefix's: numbers a vector, and every which sharer layer.
    With method `text` it is a text arm's control that is trained: over the sharer's messages of at
    most `message_tokens`, or over the whole text when that is 0. `start` is an adapter's folder to
    go on from, else the method's own start is made.
    """

    sharer: Path
    receiver: Path
    mix: tuple[tuple[str, float], ...]
    schedule: Schedule
    method: Method = Method.LCF_PREFIX
    prompt: PromptFormat = field(default_factory=PromptFormat)
    closed_form_tokens: int = 100_000
    width: int = 256
    stride: int = 2
    message_tokens: int = 0
    start: Path | None = None

    def __post_init__(self) -> None:
        if self.start and self.method is Method.TEXT:
            raise InvalidInput(field="start", problem="is an adapter, and text has none")
        names = [Path(name).name for name, _ in self.mix]
        if len(set(names)) < len(names):
            raise InvalidInput(field="mix", problem="has two sources of one name")
        if self.stride < 1:
            raise InvalidInput(field="stride", problem="must be at least 1")
        if not 0 <= self.message_tokens <= MAX_MESSAGE_TOKENS:
            problem = f"must be 0 to {MAX_MESSAGE_TOKENS}"
            raise InvalidInput(field="message_tokens", problem=problem)
