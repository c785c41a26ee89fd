"""Two suspensions around each call of a port, where a scheduler may do its worst.

The first comes before the effect, the second after it: a crash, a stall or somebody
else's turn fits in both, and an answer that is lost is an error at the second.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Generator
from enum import Enum, auto
from functools import partial
from typing import Any, Final

from attrs import define, field, frozen

__all__ = [
    "AFTER",
    "BEFORE",
    "IDLE",
    "Idle",
    "Kind",
    "Op",
    "Seam",
    "no_pause",
    "suspend",
]

BEFORE: Final = "-"
"""Mark of the first suspension in the name of an operation, ``arm-``."""
AFTER: Final = "+"
"""Mark of the second."""


class Kind(Enum):
    """What is on the other side, which decides how it can fail."""

    STORE = auto()
    """Unavailable before; AnswerLost after."""
    GUARD = auto()
    """Unavailable, before and after."""
    PROVIDER = auto()
    """Fails by its answers; nothing is raised."""


@define(eq=False)
class Op:
    """One suspension of one verb.

    Attributes:
        name: verb and mark.
        longest: seconds that pass here at most when nothing goes wrong.
        crash, stall, error: thresholds of one draw from 0 to 1, each with those
            before it added; above the last nothing happens.
    """

    name: str
    kind: Kind
    after: bool
    longest: float
    crash: float = 0.0
    stall: float = 0.0
    error: float = 0.0


@frozen
class Idle:
    """Nothing to do until something is due, which the scheduler is asked to notice."""


IDLE = Idle()


@types.coroutine
def suspend(what: Op | Idle | float) -> Generator[Op | Idle | float, None, None]:
    """Hand the turn to the scheduler; a number is seconds to sleep."""
    yield what


async def no_pause() -> None:
    """The pause of memory adapters behind a seam, which pauses for them."""


@define(eq=False, slots=False)
class Seam:
    """A port as a process sees it: each verb with a suspension before and after.

    Attributes:
        port: what really happens, at once.
        op: makes the operation of a verb's suspension, before or after.
        changed: told after each effect that may have changed something.
    """

    port: Any
    op: Callable[[str, str], Op]
    changed: Callable[[str], None] | None = None
    _made: dict[str, Any] = field(factory=dict, init=False)

    def __getattr__(self, verb: str) -> Any:
        """Wrap the verb once."""
        there = getattr(self.port, verb)
        before, after = self.op(verb, BEFORE), self.op(verb, AFTER)
        changed = None
        if self.changed is not None and verb not in _READS:
            changed = partial(self.changed, verb)
        wrapped = _wrapped(there, before, after, changed)
        self.__dict__[verb] = wrapped
        return wrapped


def _wrapped(
    effect: Callable[..., Awaitable[Any]],
    before: Op,
    after: Op,
    changed: Callable[[], None] | None,
) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any, **named: Any) -> Any:
        await suspend(before)
        try:
            answer = await effect(*args, **named)
        finally:
            if changed is not None:
                changed()
        await suspend(after)
        return answer

    return call


_READS = frozenset(
    {
        "all",
        "all_accounts",
        "by_id",
        "enrolled",
        "load",
        "match",
        "next_wake",
        "now",
        "queue",
        "rooms",
        "sequence",
        "templates",
        "units",
        "waiting",
    },
)
"""Verbs that change nothing."""
