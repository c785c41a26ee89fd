"""How often one address may fail to prove who it is."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from attrs import define, field

__all__ = ["Failures"]

_MOST_CLIENTS: Final = 10_000
"""Addresses remembered; the one that failed longest ago is forgotten first."""

_IPV6_NETWORK_BITS: Final = 64
"""One customer has at least as many addresses."""


@define(eq=False)
class Failures:
    """A leaky bucket per client address, in this process's memory.

    It only counts failures: who has the secret always gets in, also from an address
    that others fail from. It keeps logs and alerts readable; what keeps strangers out
    is the length of the secret.

    Attributes:
        burst: failures at once that are still answered one by one.
        every: how long until one is forgotten.
        monotonic: machine seconds.
    """

    burst: int
    every: timedelta
    monotonic: Callable[[], float]
    _full_until: OrderedDict[str, float] = field(factory=OrderedDict, init=False)

    def count(self, client: str) -> int:
        """Count one more. 0, or the seconds to wait if there were too many."""
        key, now = _network(client), self.monotonic()
        every = self.every.total_seconds()
        until = max(self._full_until.get(key, now), now) + every
        wait = until - now - self.burst * every
        if wait > 0:
            return math.ceil(wait)
        self._full_until[key] = until
        self._full_until.move_to_end(key)
        if len(self._full_until) > _MOST_CLIENTS:
            self._full_until.popitem(last=False)
        return 0


def _network(client: str) -> str:
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if not isinstance(address, IPv6Address):
        return client
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(int(address) >> (128 - _IPV6_NETWORK_BITS))
