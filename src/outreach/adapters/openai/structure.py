"""A model's JSON into facts: exactly the fields asked for, of exactly their types."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from cattrs import Converter
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

from outreach.adapters._json import Unreadable, parse
from outreach.domain.analysis import RAW_LIMIT, ReplyIntent

__all__ = ["NotAsAsked", "storable", "structured"]

T = TypeVar("T")


class NotAsAsked(ValueError):
    """The answer is no JSON, or not of the shape that was asked for."""


def structured(content: str, kind: type[T]) -> T:
    """Read an answer.

    Raises:
        NotAsAsked: it is not what was asked for; quotes nothing.
    """
    try:
        return _CONVERTER.structure(parse(content.encode()), kind)
    except (
        Unreadable,
        BaseValidationError,
        ForbiddenExtraKeysError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
    ) as error:
        message = f"a model's answer is no {kind.__name__}: {type(error).__name__}"
        raise NotAsAsked(message) from error


def storable(text: str) -> str:
    """A model's own words as a database takes them: no NUL, no half characters."""
    whole = text[:RAW_LIMIT].encode("utf-8", "replace").decode()
    return whole.replace("\x00", "\ufffd")


def _text(value: Any, _: object) -> str:
    if not isinstance(value, str):
        message = "no text"
        raise TypeError(message)
    # A lone half of a character could not be stored.
    value.encode()
    return value


def _whole(value: Any, _: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        message = "no whole number"
        raise TypeError(message)
    return value


def _number(value: Any, _: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = "no number"
        raise TypeError(message)
    return float(value)


def _converter() -> Converter:
    made = Converter(forbid_extra_keys=True, detailed_validation=False)
    made.register_structure_hook(str, _text)
    made.register_structure_hook(int, _whole)
    made.register_structure_hook(float, _number)
    # Also a text to cattrs, that would leave it one.
    made.register_structure_hook(ReplyIntent, lambda v, kind: kind(_text(v, kind)))
    return made


_CONVERTER: Final = _converter()
