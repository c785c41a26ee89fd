"""Read by mypy only: every bell fits its port."""

from __future__ import annotations

from arq.connections import ArqRedis

from outreach.adapters.arq import ArqBell
from outreach.adapters.memory.bell import Bells, LocalBell, MemoryBell
from outreach.ports.bell import Bell


def bells(pool: ArqRedis) -> tuple[Bell, ...]:
    arq, local = ArqBell(pool), LocalBell()
    return arq, local, MemoryBell(), Bells(local, arq)
