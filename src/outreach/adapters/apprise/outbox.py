"""Alerts on their way to people: batched, rate limited, and never in anybody's way.

The package is imported when its URLs are read. What it logs is silenced, for it may
name an address; what fails is logged here, without one.
"""

from __future__ import annotations

import asyncio
import logging
import unicodedata
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final

import structlog
from attrs import define, field

from outreach.domain.errors import Misconfigured, OutreachError
from outreach.domain.incident import Severity
from outreach.ports.alerts import Alert
from outreach.ports.incidents import Incidents

__all__ = ["AppriseOutbox", "Notify", "open_sender"]

MOST_LINES: Final = 20
"""Alerts that are written out in one notification; the rest is counted."""
MOST_WAITING: Final = 1_000
"""Alerts that wait to be told; what is more is counted."""
TRIES: Final = 3
CALM_S: Final = 10.0
"""Seconds between two notifications."""
BUSY_S: Final = 60.0
"""The same after one that could not hold all, or that failed."""
SEND_S: Final = 30.0

_LONGEST_SAYING: Final = 300
_TYPES: Final = {
    Severity.CRITICAL: "failure",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
}
_log = structlog.get_logger("outreach.alerts")

Notify = Callable[[str, str, Severity], bool]
"""Title, body, severity; whether everybody was reached. It may block and raise."""


def open_sender(urls: Sequence[str]) -> Notify:
    """Read apprise URLs.

    Raises:
        Misconfigured: the extra ``alerts`` is not installed, or apprise does not know
            a URL; says which by its place, for it is a secret.
    """
    try:
        apprise = import_module("apprise")
    except ModuleNotFoundError as error:
        message = (
            "alerts.urls is set, but apprise is not installed: "
            "pip install 'outreach[alerts]'"
        )
        raise Misconfigured(message) from error
    quiet = logging.getLogger("apprise")
    quiet.setLevel(logging.CRITICAL + 1)
    quiet.propagate = False
    targets = apprise.Apprise()
    with warnings.catch_warnings():
        # Its plugins are loaded here, and some use what Python is about to drop.
        warnings.simplefilter("ignore")
        for place, url in enumerate(urls, 1):
            if not targets.add(url):
                message = (
                    f"number {place} of alerts.urls is no URL that apprise knows: "
                    "see its list of services"
                )
                raise Misconfigured(message)

    def notify(title: str, body: str, severity: Severity) -> bool:
        sent: Any = targets.notify(
            title=title,
            body=body,
            notify_type=_TYPES[severity],
            body_format="text",
        )
        return bool(sent)

    return notify


@define
class AppriseOutbox:
    """Implements `outreach.adapters.system.alerts.Outbox`; `run` empties it.

    Attributes:
        notify: called in a thread of its own.
        incidents: learns of what people were told.
        lost: alerts that nobody could be told of, or that there was no room for.
    """

    notify: Notify = field(repr=False)
    incidents: Incidents
    lost: int = field(default=0, init=False)
    _waiting: deque[Alert] = field(factory=deque, init=False, repr=False)
    _tries: int = field(default=0, init=False)
    _came: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)

    def put(self, alert: Alert) -> None:
        """Take it; a full outbox counts it only."""
        if len(self._waiting) >= MOST_WAITING:
            self.lost += 1
            return
        self._waiting.append(alert)
        self._came.set()

    async def run(self) -> None:
        """Tell people until cancelled; failures are logged and tried again."""
        while True:
            await self._came.wait()
            all_told = await self.deliver()
            await asyncio.sleep(CALM_S if all_told else BUSY_S)

    async def deliver(self) -> bool:
        """One notification with what waits; whether it held all and arrived."""
        self._came.clear()
        batch = tuple(self._waiting)
        if not batch and not self.lost:
            return True
        lost = self.lost
        title, body, severity = _written(batch, lost)
        if not await self._sent(title, body, severity):
            self._failed(len(batch))
            return False
        self._tries = 0
        self.lost -= lost
        for _ in batch:
            self._waiting.popleft()
        await self._confirm(batch)
        return len(batch) <= MOST_LINES

    async def _sent(self, title: str, body: str, severity: Severity) -> bool:
        # Whatever a service's code raises stays here, and so do its words: they may
        # name the address.
        call = asyncio.to_thread(self.notify, title, body, severity)
        waited = asyncio.wait_for(call, SEND_S)
        (sent,) = await asyncio.gather(waited, return_exceptions=True)
        if isinstance(sent, BaseException):
            _log.error("not_told", defect=type(sent).__name__)
            return False
        return sent

    def _failed(self, count: int) -> None:
        self._tries += 1
        _log.error("not_told", alerts=count, tries=self._tries)
        if self._tries >= TRIES:
            # The log has them, and so does the next that raises one of them.
            self._waiting.clear()
            self.lost += count
            self._tries = 0
        else:
            self._came.set()

    async def _confirm(self, batch: Sequence[Alert]) -> None:
        for alert in batch:
            try:
                await self.incidents.told(alert.kind, alert.about)
            except OutreachError as error:
                _log.warning("not_remembered", kind=alert.kind, why=str(error))


def _written(batch: Sequence[Alert], lost: int) -> tuple[str, str, Severity]:
    grave = sorted(batch, key=lambda alert: list(Severity).index(alert.severity))
    top = grave[0].severity if grave else Severity.WARNING
    lines = [
        f"{one.severity} {one.kind} ({one.about}): {_plain(one.says)}"
        for one in grave[:MOST_LINES]
    ]
    more = len(grave) - len(grave[:MOST_LINES]) + lost
    if more:
        lines.append(f"and {more} more: see the log, and outreach status")
    count = len(grave) + lost
    first = grave[0].kind if grave else "alerts"
    title = f"outreach: {first}" if count == 1 else f"outreach: {count} alerts"
    return title, "\n".join(lines), top


def _plain(text: str) -> str:
    seen = (" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text)
    short = "".join(seen)[:_LONGEST_SAYING]
    return "".join(c for c in short if unicodedata.category(c) not in {"Cf", "Cs"})
