"""SIGTERM and Ctrl-C: the first ends a process in order, the second at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

from attrs import define, field

__all__ = ["Ending", "leave"]

_FAILED: Final = 1
_NUMBERS: Final = (signal.SIGTERM, signal.SIGINT)


@define(eq=False)
class Ending:
    """What the signals that end a worker do.

    Attributes:
        begin: called by the first one.
        begun: there was one.
        interrupted: it was Ctrl-C.
    """

    begin: Callable[[], None]
    begun: bool = field(default=False, init=False)
    interrupted: bool = field(default=False, init=False)

    def install(self) -> None:
        """Take both signals over, in the running loop."""
        loop = asyncio.get_running_loop()
        for number in _NUMBERS:
            loop.add_signal_handler(number, self._told, number)

    def _told(self, number: signal.Signals) -> None:
        if self.begun:
            leave()
        self.begun = True
        self.interrupted = number is signal.SIGINT
        self.begin()


def leave() -> None:
    """End this process now, with status 1.

    As harmless as any crash: lanes and calls in hand are recovered by others.
    """
    sys.stderr.write(
        "outreach: ended without waiting any longer; what was under way is settled "
        "by another worker, or at the next start\n"
    )
    sys.stderr.flush()
    os._exit(_FAILED)
