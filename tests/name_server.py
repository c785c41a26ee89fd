"""A name server (dnslib) on loopback that knows what a test tells it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, Final

from attrs import define, field
from dnslib import QTYPE, RCODE, RR
from dnslib.server import DNSServer

__all__ = ["SELECTOR", "NameServer", "fit", "named"]

SELECTOR: Final = "s1"
_LOOKS_S: Final = 0.01
"""How often it looks whether it is to end."""


@define(eq=False)
class NameServer:
    """What it knows, and what it was asked.

    Attributes:
        zone: records in the form of a zone file, by name in lower case.
        fails: names whose questions end in SERVFAIL; ``*``: all.
        asked: names and types, in order.
    """

    zone: dict[str, list[str]] = field(factory=dict)
    fails: set[str] = field(factory=set)
    asked: list[tuple[str, str]] = field(factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def resolve(self, request: Any, _handler: Any) -> Any:
        reply = request.reply()
        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        self.asked.append((name, kind))
        if self.fails & {name, "*"}:
            reply.header.rcode = RCODE.SERVFAIL
            return reply
        known = self.zone.get(name)
        if known is None:
            reply.header.rcode = RCODE.NXDOMAIN
            return reply
        for line in known:
            for record in RR.fromZone(f"{name}. 60 IN {line}"):
                if QTYPE[record.rtype] == kind:
                    reply.add_answer(record)
        return reply


def fit(domain: str, *, public: str = "QUJD") -> dict[str, list[str]]:
    """All that a domain must have."""
    key = f"v=DKIM1; k=rsa; p={public}"
    parts = [key[at : at + 200] for at in range(0, len(key), 200)]
    written = " ".join(f'"{part}"' for part in parts)
    return {
        domain: [f"MX 10 mx.{domain}.", 'TXT "v=spf1 ip4:192.0.2.1 -all"'],
        f"{SELECTOR}._domainkey.{domain}": [f"TXT {written}"],
        f"_dmarc.{domain}": ['TXT "v=DMARC1; p=none"'],
    }


@contextlib.contextmanager
def named(server: NameServer) -> Iterator[NameServer]:
    """Serve in a thread, on a port of its own."""
    serving = DNSServer(server, address="127.0.0.1", port=0, logger=_Quiet())
    server.port = serving.server.server_address[1]
    thread = threading.Thread(target=serving.server.serve_forever, args=(_LOOKS_S,))
    thread.start()
    try:
        yield server
    finally:
        serving.server.shutdown()
        thread.join()
        serving.server.server_close()


class _Quiet:
    """A logger that says nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None
