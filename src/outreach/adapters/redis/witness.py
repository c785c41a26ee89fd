"""How far the database has come, kept in Redis: the witness of all machines."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import redis
from attrs import frozen
from redis.asyncio import Redis

from outreach.adapters.redis.client import TIMEOUT
from outreach.domain.errors import Unavailable

__all__ = ["RedisWitness"]


@frozen
class RedisWitness:
    """Implements `outreach.ports.instance.Witness`: a sorted set of lineages.

    Attributes:
        group: names the installation, where several share a server.
        timeout: for each call, whatever the client would try again.
    """

    redis: Redis
    group: str = "outreach"
    timeout: timedelta = TIMEOUT

    async def seen(self) -> Mapping[str, int]:
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                found = await self.redis.zrange(self._key, 0, -1, withscores=True)
        except (redis.RedisError, OSError) as error:
            raise _away(error) from error
        return {
            name.decode() if isinstance(name, bytes) else name: int(position)
            for name, position in found
        }

    async def saw(self, lineage: str, position: int) -> None:
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                await self.redis.zadd(self._key, {lineage: position}, gt=True)
        except (redis.RedisError, OSError) as error:
            raise _away(error) from error

    @property
    def _key(self) -> str:
        return f"instance:{{{self.group}}}"


def _away(error: Exception) -> Unavailable:
    return Unavailable(f"Redis did not answer: {type(error).__name__}")
