"""What befalls Redis and the phones, at times that are drawn."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from attrs import define, field

from outreach.adapters.memory.guard import MemoryGuard
from outreach.domain.errors import Unavailable
from outreach.domain.event import EventType
from outreach.testing.simulation.post import Post
from outreach.testing.simulation.provider import Line, Provider
from outreach.testing.simulation.schedule import Schedule
from outreach.testing.simulation.weather import DAY_S, Weather

__all__ = ["Trouble"]

_HOUR_S: Final = 3600.0


@define(eq=False)
class Trouble:
    """Begins with `start` and ends with the calm."""

    weather: Weather
    rng: random.Random
    schedule: Schedule
    redis: MemoryGuard
    provider: Provider
    post: Post
    seen: Counter[str]
    _down_until: float = field(default=0.0, init=False)
    _saved: object = field(default=None, init=False)

    def start(self) -> None:
        """Draw when it comes."""
        self._often(self.weather.redis, self._harm_redis)
        self._often(self.weather.outages, self._disconnect)

    def on_the_way_to(self, port: Any) -> Any:
        """The guard, as long as Redis can be reached."""
        return _Way(self, port)

    def _often(self, per_day: float, what: Callable[[], None]) -> None:
        """At random times before the calm."""
        at = 0.0
        while per_day > 0:
            at += self.rng.expovariate(per_day / DAY_S)
            if at > self.weather.calm - _HOUR_S:
                return
            self.schedule.call(at, what)

    def _harm_redis(self) -> None:
        redis, drawn = self.redis, self.rng.random()
        if drawn < 0.3:
            redis.flush()
            self.seen["redis flushed"] += 1
        elif drawn < 0.5:
            redis.lose(0.5, self.rng)
            self.seen["redis lost half"] += 1
        elif drawn < 0.7:
            self._down_until = self.schedule.now + self.rng.uniform(5, 600)
            self.seen["redis down"] += 1
        elif not self.weather.redis_returns:
            redis.restart()
        elif self._saved is None or drawn < 0.85:
            self._saved = redis.save()
        else:
            redis.restore(self._saved)
            self.seen["redis went back in time"] += 1

    def redis_is_down(self) -> bool:
        """Nobody can reach it."""
        return self.schedule.now < self._down_until

    def _disconnect(self) -> None:
        lines = self.provider.lines
        phone = self.rng.choice(tuple(lines))
        if lines[phone] is not Line.UP:
            return
        lines[phone] = Line.DOWN
        self.post.tell(EventType.SENDER_DISCONNECTED, sender=phone)
        back = self.schedule.now + self.rng.uniform(60, 4 * _HOUR_S)
        self.schedule.call(min(back, self.weather.calm - 1), lambda: self._back(phone))

    def _back(self, phone: str) -> None:
        if self.provider.lines[phone] is Line.DOWN:
            self.provider.lines[phone] = Line.UP
            self.post.tell(EventType.SENDER_CONNECTED, sender=phone)


@define(eq=False)
class _Way:
    """The way to Redis."""

    trouble: Trouble
    port: Any

    def __getattr__(self, verb: str) -> Any:
        there = getattr(self.port, verb)

        async def call(*args: Any) -> Any:
            if self.trouble.redis_is_down():
                message = "Redis is down"
                raise Unavailable(message)
            return await there(*args)

        return call
