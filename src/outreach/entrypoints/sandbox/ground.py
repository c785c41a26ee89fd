"""What the wires stand on: one log, one clock, one population."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Final

import attrs
import httpx

from outreach.entrypoints.sandbox.agenda import Agenda
from outreach.entrypoints.sandbox.behaviour import Behaviour
from outreach.entrypoints.sandbox.clock import Clock
from outreach.entrypoints.sandbox.faults import Certain
from outreach.entrypoints.sandbox.journal import Journal, Json
from outreach.entrypoints.sandbox.world import World

__all__ = ["Ground", "serial_id"]

_TIME_OF_BIRTH: Final = 0x019F_0000_0000 << 80
_VERSION_7: Final = (7 << 76) | (0b10 << 62)


def serial_id(kind: int, number: int) -> str:
    """Give a UUID that sorts by `number` among those of its kind (0 to 255).

    The vendors' ids are of version 7: whoever pages by them pages by age.
    """
    return str(uuid.UUID(int=_TIME_OF_BIRTH | _VERSION_7 | kind << 48 | number))


@attrs.define(kw_only=True, eq=False)
class Ground:
    """Handed to every wire. `certain` counts what people did, over all of them."""

    seed: int
    behaviour: Callable[[], Behaviour]
    journal: Journal
    agenda: Agenda
    clock: Clock
    world: World
    certain: Certain
    clients: asyncio.Queue[httpx.AsyncClient]
    token: str = attrs.field(repr=False)

    def accept(self, wire: str, line: Json) -> Json:
        """Write an accepted send down under the next number, and give the line."""
        whole = {"n": self.world.accepted + 1, "wire": wire, **line}
        self.journal.accept(whole)
        self.world.accepted += 1
        return whole
