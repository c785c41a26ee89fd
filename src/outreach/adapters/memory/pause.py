"""The one place where a verb over memory lets others run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

__all__ = ["Pause", "yield_once"]

Pause = Callable[[], Awaitable[None]]
"""Awaited once at the start of every verb; a simulator gives its own."""


async def yield_once() -> None:
    """Let other tasks run first, or races over memory adapters prove nothing."""
    await asyncio.sleep(0)
