"""arq as a bell: its queue carries 'look', and nothing else."""

from outreach.adapters.arq.bell import ArqBell, connect_bell
from outreach.adapters.arq.hearing import hearing
from outreach.adapters.arq.listening import listen
from outreach.adapters.arq.settings import redis_settings, worker_settings

__all__ = [
    "ArqBell",
    "connect_bell",
    "hearing",
    "listen",
    "redis_settings",
    "worker_settings",
]
