"""Asks the DNS whether others will believe the mail of our domains.

MX, SPF, DKIM and DMARC must all be there (SPEC: own pool), and no block list may name
the domain. A good verdict holds for a day, a bad one for a minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from ipaddress import ip_address
from typing import Any, Final

from attrs import define, field, frozen

from outreach.adapters.smtp.records import (
    MOST_LOOKUPS,
    Spf,
    dkim_fault,
    dmarc_fault,
    mx_fault,
    spf_of,
)
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.ports.domains import AccountDomain

__all__ = ["GOOD_FOR", "Domains", "Wanted", "resolver"]

GOOD_FOR: Final = timedelta(days=1)
BAD_FOR: Final = timedelta(minutes=1)
"""So that thousands of mailboxes of one domain ask once."""
ASK_WITHIN: Final = timedelta(seconds=5)
"""For one record; machine time."""
AT_ONCE: Final = 10

_REFUSES: Final = "127.255.255."
"""What lists answer to those whom they do not want to ask."""


@frozen
class Wanted:
    """What a domain of ours must have beside MX, SPF and DMARC.

    Attributes:
        selectors: of DKIM; one of them is enough, ours is the first.
        keys: what we sign with, by domain: base64 of the public key.
        bounce_domain: takes reports, so it needs MX and SPF too; empty: none.
        blocklists: zones that name domains with a bad name, such as ``dbl.example``.
    """

    selectors: tuple[str, ...]
    keys: Mapping[str, str] = field(factory=dict)
    bounce_domain: str = ""
    blocklists: tuple[str, ...] = ()


def resolver(nameservers: Sequence[str] = ()) -> Any:
    """Asks these servers (``address`` or ``address:port``); none: the system's own.

    Raises:
        Misconfigured: one is no address, or the system has none.
    """
    errors = (ValueError, import_module("dns.exception").DNSException)
    try:
        made = import_module("dns.asyncresolver").Resolver(configure=not nameservers)
        if nameservers:
            made.nameservers = [_nameserver(one) for one in nameservers]
    except errors as error:
        message = f"no name server can be asked: {error}"
        raise Misconfigured(message) from error
    made.lifetime = ASK_WITHIN.total_seconds()
    return made


def _nameserver(text: str) -> Any:
    """An address of either kind; the fourth version's may have a port."""
    address, colon, port = (
        text.partition(":") if text.count(":") == 1 else (text, "", "")
    )
    server = import_module("dns.nameserver").Do53Nameserver
    known = str(ip_address(address))
    return server(known, int(port)) if colon else server(known)


@define(eq=False)
class Domains:
    """Implements `outreach.ports.domains.ExaminesDomains`.

    Attributes:
        dns: made by `resolver`.
        monotonic: seconds, for how old a verdict is.
    """

    wanted: Wanted
    dns: Any = field(repr=False)
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[AccountDomain, float]] = field(factory=dict, init=False)

    async def examine(self, names: Sequence[str]) -> Sequence[AccountDomain]:
        """See `ExaminesDomains.examine`."""
        gate = asyncio.Semaphore(AT_ONCE)
        tried = await asyncio.gather(*(self._verdict(name, gate) for name in names))
        found = [one for one in tried if isinstance(one, AccountDomain)]
        if names and not found:
            message = (
                "the DNS does not say whether the domain may send: it is asked again"
            )
            raise Unavailable(message)
        return found

    async def _verdict(
        self, name: str, gate: asyncio.Semaphore
    ) -> AccountDomain | None:
        known = self._known.get(name)
        if known is not None and self.monotonic() < known[1]:
            return known[0]
        async with gate:
            try:
                says = await self._faults(name)
            except _Silent:
                return None
        made = AccountDomain(name, ready=not says, says=says)
        lasts = GOOD_FOR if made.ready else BAD_FOR
        self._known[name] = made, self.monotonic() + lasts.total_seconds()
        return made

    async def _faults(self, name: str) -> str:
        """All of them, so that they are put right in one go; empty: none."""
        faults = await asyncio.gather(
            self._mx(name),
            self._spf(name),
            self._dkim(name),
            self._dmarc(name),
            *(self._listed(name, zone) for zone in self.wanted.blocklists),
            *self._of_reports(name),
        )
        return "; ".join(filter(None, faults))

    def _of_reports(self, name: str) -> Sequence[Any]:
        bounce = self.wanted.bounce_domain
        if not bounce or bounce == name:
            return ()
        return (self._named(bounce, self._mx), self._named(bounce, self._spf))

    async def _named(self, name: str, check: Callable[[str], Any]) -> str:
        fault = await check(name)
        return f"{name} (smtp.bounce_domain): {fault}" if fault else ""

    async def _mx(self, name: str) -> str:
        records = await self._ask(name, "MX")
        return mx_fault([one.exchange.to_text().rstrip(".") for one in records])

    async def _spf(self, name: str) -> str:
        first = spf_of(await self._texts(name))
        if first.fault:
            return first.fault
        if not first.ends:
            return "its SPF does not say what holds for others (-all, ~all)"
        return await self._followed(first)

    async def _followed(self, first: Spf) -> str:
        """All that is part of a record, as long as others would read on."""
        lookups, waiting = first.lookups, list(first.follows)
        while waiting and lookups <= MOST_LOOKUPS:
            name = waiting.pop()
            part = spf_of(await self._texts(name))
            if part.fault:
                return f"its SPF names {name}: {part.fault}"
            lookups += part.lookups
            waiting += part.follows
        if lookups > MOST_LOOKUPS:
            return f"its SPF asks for more than {MOST_LOOKUPS} look-ups"
        return ""

    async def _dkim(self, name: str) -> str:
        """The first selector must be there if we sign, else any."""
        public = self.wanted.keys.get(name, "")
        selectors = self.wanted.selectors[:1] if public else self.wanted.selectors
        if not selectors:
            return "no DKIM selector is set (smtp.dkim_selector)"
        fault = ""
        for selector in selectors:
            texts = await self._texts(f"{selector}._domainkey.{name}")
            fault = dkim_fault(texts, public)
            if not fault:
                return ""
        return f"{fault} (selector {', '.join(selectors)})"

    async def _dmarc(self, name: str) -> str:
        """Its own, or that of a domain above it (RFC 7489, 6.6.3)."""
        labels = name.split(".")
        for start in range(len(labels) - 1):
            above = ".".join(labels[start:])
            fault = dmarc_fault(await self._texts(f"_dmarc.{above}"))
            if fault is not None:
                return fault
        return "no DMARC"

    async def _listed(self, name: str, zone: str) -> str:
        answers = [one.to_text() for one in await self._ask(f"{name}.{zone}", "A")]
        listed = any(not one.startswith(_REFUSES) for one in answers)
        return f"it is on the block list {zone}" if listed else ""

    async def _texts(self, name: str) -> list[str]:
        records = await self._ask(name, "TXT")
        return [b"".join(one.strings).decode("utf-8", "replace") for one in records]

    async def _ask(self, name: str, kind: str) -> Sequence[Any]:
        """The records; none where the DNS says that there are none.

        Raises:
            _Silent: it says nothing.
        """
        errors = import_module("dns.resolver")
        try:
            return list(await self.dns.resolve(f"{name}.", kind))
        except (errors.NXDOMAIN, errors.NoAnswer):
            return []
        except (import_module("dns.exception").DNSException, OSError) as error:
            raise _Silent from error


class _Silent(Exception):
    """The DNS did not answer."""
