"""Everything that asks a Redis or Valkey server, but for the jobs of arq."""

from outreach.adapters.redis.client import connect
from outreach.adapters.redis.guard import RedisGuard

__all__ = ["RedisGuard", "connect"]
