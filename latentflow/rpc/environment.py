"""Reads a service's settings from environment variables, one a field, named after the field.

Knows no setting: which there are says the service's own dataclass, and what they may be.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar, get_args, get_type_hints

from latentflow.errors import InvalidInput

SettingsClass = TypeVar("SettingsClass")

_BOOLEANS = {"true": True, "false": False}


def settings_from(
    settings: type[SettingsClass], prefix: str, environment: Mapping[str, str], **given: object
) -> SettingsClass:
    """An instance of the dataclass `settings`; an empty variable counts as absent.

    A field that is `given` has no variable.

    Raises InvalidInput naming the variable that is missing, can't be parsed, or is out of range.
    """
    kinds = get_type_hints(settings)
    for field in fields(settings):  # type: ignore[arg-type]
        variable = prefix + field.name.upper()
        if field.name in given:
            continue
        if environment.get(variable):
            given[field.name] = _parsed(variable, _parser(kinds[field.name]), environment[variable])
        elif _is_required(field):
            raise InvalidInput(field=variable, problem="must be set")
    return settings(**given)


def _parser(kind: Any) -> Callable[[str], object]:
    """The type itself, or of `Type | None` the type; of a boolean its two words."""
    if kind is bool:
        return _BOOLEANS.__getitem__
    return next(iter(get_args(kind)), kind)  # type: ignore[no-any-return]


def _parsed(variable: str, parser: Callable[[str], object], text: str) -> object:
    try:
        return parser(text)
    except ValueError as error:
        raise InvalidInput(field=variable, problem=f"{text!r} is no number") from error
    except KeyError as error:
        raise InvalidInput(field=variable, problem="must be true or false") from error


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
