"""Asking for an error without a test runner's help."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

__all__ = ["raised"]

_Error = TypeVar("_Error", bound=Exception)


async def raised(kind: type[_Error], asked: Awaitable[object]) -> _Error:
    """The error of this kind that *asked* must end with.

    Raises:
        AssertionError: it ended well.
    """
    try:
        answer = await asked
    except kind as error:
        return error
    message = f"{kind.__name__} was to be raised, but the answer was {answer!r}"
    raise AssertionError(message)
