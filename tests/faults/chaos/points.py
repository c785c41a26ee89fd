"""Named crash points: before, during and after every await of a process under test.

`OUTREACH_TEST_CRASH_AT=T1.after:17:stop` stops the process at the 17th passing of that
point, as SIGSTOP does; `kill` ends it as SIGKILL does; `lost` lets the verb happen and
then raises `AnswerLost`, as a connection does that dies with the answer. Several rules
are separated by commas; `*` for the passing means every one.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from attrs import define, field, frozen

from outreach.domain.errors import AnswerLost

__all__ = ["CRASH_AT", "WEB_VERBS", "WORKER_VERBS", "Points", "Rule", "Watched"]

CRASH_AT: Final = "OUTREACH_TEST_CRASH_AT"

WORKER_VERBS: Final[Mapping[str, Mapping[str, str]]] = {
    "lanes": {"claim": "CLAIM", "put_off": "PUT_OFF", "free": "FREE"},
    "guard": {"reserve": "RESERVE", "rebuild": "REBUILD", "release": "SETTLE"},
    "intents": {
        "arm": "T1",
        "settle": "T2",
        "give_up": "GIVE_UP",
        "doubtful": "DOUBTS",
        "resolve": "RESOLVE",
        "units": "UNITS",
    },
    "inbox": {"take": "TAKE", "park": "PARK", "wait": "WAIT", "close": "CLOSE"},
    "journeys": {"match": "MATCH", "commit": "APPLY"},
    "duties": {"take": "DUTY", "done": "DONE"},
    "hosted": {"told": "HOSTED"},
    "stops": {"confirm": "STOPPED", "tried": "TRIED"},
}
"""Per port of a worker: its verbs and the names of their points."""
WEB_VERBS: Final[Mapping[str, Mapping[str, str]]] = {"inbox": {"put": "STORE"}}
GATEWAY_VERBS: Final[Mapping[str, str]] = {
    "send": "CALL",
    "send_many": "BULK",
    "look": "LOOK",
    "look_many": "LOOKS",
    "repeat": "REPEAT",
    "stop": "STOP",
    "ensure": "HOST",
    "resume": "HOST",
}

_LONGEST_INSIDE_S: Final = 0.008
"""How far into a verb `during` strikes, at most."""
_ACTIONS: Final = ("stop", "kill", "lost")


@frozen
class Rule:
    """One point, the passing of it that strikes (None: each), and how."""

    point: str
    passing: int | None
    action: str

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Read ``T1.after:17:stop``."""
        point, passing, action = text.split(":")
        if action not in _ACTIONS:
            message = f"{text!r}: an action is one of {', '.join(_ACTIONS)}"
            raise ValueError(message)
        return cls(point, None if passing == "*" else int(passing), action)

    def __str__(self) -> str:
        passing = "*" if self.passing is None else self.passing
        return f"{self.point}:{passing}:{self.action}"


@define
class Points:
    """Counts the passings of a process's points, and strikes."""

    rules: Sequence[Rule] = ()
    rng: Random = field(factory=Random)
    passed: Counter[str] = field(factory=Counter, init=False)

    @classmethod
    def of(cls, env: Mapping[str, str], rng: Random) -> Points:
        """Those that the environment names."""
        texts = filter(None, env.get(CRASH_AT, "").split(","))
        return cls([Rule.parse(text) for text in texts], rng)

    def _struck(self, point: str) -> str | None:
        self.passed[point] += 1
        now = self.passed[point]
        for rule in self.rules:
            if rule.point == point and rule.passing in {None, now}:
                return rule.action
        return None

    def pass_by(self, point: str) -> None:
        """Be at a point.

        Raises:
            AnswerLost: a rule says so.
        """
        action = self._struck(point)
        if action is not None:
            _strike(action, point)

    async def pass_through(self, point: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Do what lies between two points, and perhaps be struck in it."""
        action = self._struck(point)
        if action is None:
            return await call()
        task = asyncio.ensure_future(call())
        await asyncio.wait([task], timeout=self.rng.uniform(0, _LONGEST_INSIDE_S))
        _strike(action, point)
        return await task


def _strike(action: str, point: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        message = f"struck at {point}"
        raise AnswerLost(message)


class Watched:
    """A port whose verbs are points; all else of it is as it was."""

    def __init__(self, port: Any, verbs: Mapping[str, str], points: Points) -> None:
        """Put *points* around the *verbs* of *port*."""
        self._port = port
        self._verbs = verbs
        self._points = points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in self._verbs or not inspect.iscoroutinefunction(found):
            return found
        wrapped = functools.partial(self._pass, self._verbs[name], found)
        self.__dict__[name] = wrapped
        return wrapped

    async def _pass(self, point: str, verb: Any, *args: Any, **more: Any) -> Any:
        points = self._points
        points.pass_by(f"{point}.before")
        answer = await points.pass_through(
            f"{point}.during", functools.partial(verb, *args, **more)
        )
        points.pass_by(f"{point}.after")
        return answer
