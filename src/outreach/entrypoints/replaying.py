"""Stored events decided again, where nothing can leave and nothing can be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from attrs import frozen

from outreach.domain.errors import OutreachError
from outreach.domain.ids import TenantId
from outreach.domain.usecases.replay_events import ReplayEvents
from outreach.entrypoints.container import Container, put
from outreach.entrypoints.engine import Engine

__all__ = ["BARRED", "Barred", "SideEffectError", "barred", "replay_of"]

BARRED: Final = (
    "accounts",
    "alerts",
    "allocations",
    "analyst",
    "answering",
    "bell",
    "bulk",
    "bulk_lookups",
    "consents",
    "domains",
    "drafter",
    "duties",
    "fetchers",
    "gateways",
    "guard",
    "hosted",
    "hosts",
    "inbox",
    "incidents",
    "intents",
    "intro_writer",
    "intros",
    "journeys",
    "lanes",
    "leads",
    "lists",
    "lookups",
    "outbox",
    "places",
    "polls",
    "repeats",
    "replays",
    "reviews",
    "senders",
    "signal",
    "stops",
    "switches",
    "takers",
    "tells",
    "watched",
)
"""Everything of the container by which something could be sent, told or stored."""


class SideEffectError(OutreachError):
    """A replay was about to do something: a defect of ours, and nothing was done."""


@frozen
class Barred:
    """Stands where an adapter was: whatever is asked of it, it refuses."""

    name: str

    def __getattr__(self, what: str) -> NoReturn:
        self._refuse(what)

    def __getitem__(self, what: Any) -> NoReturn:
        self._refuse(str(what))

    def __iter__(self) -> Iterator[Any]:
        self._refuse("iteration")

    def __contains__(self, what: object) -> bool:
        self._refuse(str(what))

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("call")

    def _refuse(self, what: str) -> NoReturn:
        message = f"a replay changes nothing, and may not use {self.name}.{what}"
        raise SideEffectError(message)


def barred(container: Container) -> Mapping[str, Barred]:
    """Have every adapter that could do something refuse; answers them by name."""
    made = {name: Barred(name) for name in BARRED}
    put(container, made)
    return made


def replay_of(engine: Engine) -> ReplayEvents:
    """What compares the stored events of an engine, which can do nothing else then."""
    barred(engine.container)
    wanted = engine.settings.openai
    alone: tuple[TenantId, ...] = ()
    if wanted.on and wanted.answers == "templates":
        alone = (engine.tenant,)
    made: ReplayEvents = engine.container.replay_events(unattended=alone)
    return made
