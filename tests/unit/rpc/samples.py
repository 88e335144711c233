"""One error of every concrete class, with values that show where they end up."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, get_type_hints

from latentflow.errors import LatentFlowError, Local

_VALUE_OF: dict[type, Any] = {str: "väl/ue with spaces", int: 7, float: 2.25}


def concrete_classes(root: type[LatentFlowError] = LatentFlowError) -> Iterator[type[Any]]:
    """The leaves of the error tree that may cross the wire: those with a message of their own."""
    for subclass in root.__subclasses__():
        if subclass is Local:
            continue
        if "message" in vars(subclass):
            yield subclass
        yield from concrete_classes(subclass)


def sample(error_class: type[LatentFlowError]) -> LatentFlowError:
    types = get_type_hints(error_class)
    values = {field.name: _VALUE_OF[types[field.name]] for field in fields(error_class)}
    return error_class(**values)


SAMPLES = [sample(error_class) for error_class in concrete_classes()]
