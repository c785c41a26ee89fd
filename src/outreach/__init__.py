"""Multi-channel cold outreach that proves what it will do and explains what it did."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outreach.entrypoints.embedding import Outreach

__all__ = ["Outreach"]


def __getattr__(name: str) -> Any:
    """`Outreach`, loaded when it is first asked for: the rules alone need no driver."""
    if name == "Outreach":
        return import_module("outreach.entrypoints.embedding").Outreach
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
