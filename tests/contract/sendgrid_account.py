"""An account at SendGrid on the fault server, and the adapter that speaks to it.

The account is strict and has a memory: it takes no field it does not know and no
address it may not write from, suppresses, counts credits, and signs its webhooks. It
knows no key of a send: the same mail given twice is sent twice.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from attrs import define, evolve, field, frozen
from tests.adapters.sendgrid_events import KEY as VERIFIES

from outreach.adapters.sendgrid import SendGridGateway, open_client
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.message import Answer, Parcel
from outreach.domain.stop import Stop
from outreach.ports.domains import AccountDomain
from outreach.ports.gateway import Again, Confirmed
from outreach.testing.fault_server import (
    Asked,
    FaultServer,
    Hangs,
    HangsUp,
    Reaction,
    Says,
    unused_url,
)
from outreach.testing.gateway import OURS, THEIRS, WAIT, Situation

__all__ = [
    "KEY",
    "Account",
    "SendGridBench",
    "WarmGateway",
    "error",
    "opened",
]

KEY: Final = "SG.4d2d0239.canary-key"
_DOMAIN: Final = "warm.example"
_MAILS: Final = {
    OURS[0]: f"ion@{_DOMAIN}",
    OURS[1]: f"eva@{_DOMAIN}",
    THEIRS: "ana@firma.ro",
}
_FIELDS: Final = {
    *("personalizations", "from", "subject", "content"),
    *("mail_settings", "tracking_settings"),
}
_OFF: Final = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}
_RESERVED: Final = {
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type"),
    *("content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc"),
}
_EDGE: Final = b"<!DOCTYPE html><html><title>Attention Required!</title></html>"
_CUT: Final = b"HTTP/1.1 202 Accepted\r\ncontent-length: 80\r\n\r\n{"
_SLOW_S: Final = 0.05


def error(
    status: int,
    message: str = "No.",
    field: str | None = None,
    headers: dict[str, str] | None = None,
) -> Says:
    body = {"errors": [{"message": message, "field": field}]}
    return Says(status, body, headers=headers or {})


_ACCEPTED: Final[dict[Situation, Reaction]] = {
    Situation.BUSY_SOMEWHERE: Says(503, b"<html>upstream</html>"),
    Situation.BROKEN: Says(500, {"errors": [{"message": "internal error"}]}),
    Situation.SILENT: Hangs(),
    Situation.CUT_OFF: HangsUp(_CUT),
    Situation.RUBBISH: Says(200, b"\x00\xffOK"),
}
_REFUSED: Final[dict[Situation, Reaction]] = {
    Situation.RATE_LIMITED: error(
        429,
        "too many requests",
        headers={"Retry-After": str(int(WAIT.total_seconds()))},
    ),
    Situation.RATE_LIMITED_SOMEHOW: Says(429, b"slow down"),
    Situation.BUSY: error(401, "Maximum credits exceeded"),
    Situation.TURNED_AWAY: Says(403, _EDGE),
    Situation.LOST: HangsUp(),
}
_NO_KEY: Final = error(
    401, "The provided authorization grant is invalid, expired, or revoked"
)


@define(eq=False)
class Account:
    """What the vendor holds.

    Attributes:
        mails: accepted bodies, newest last.
        credits: mails of the plan that are left; None: no bound.
        key: the verification key of every webhook.
    """

    situation: Situation = Situation.WELL
    mails: list[dict[str, Any]] = field(factory=list)
    blocked: list[str] = field(factory=list)
    webhooks: list[dict[str, Any]] = field(factory=list)
    most_webhooks: int = 5
    domains: list[tuple[str, bool]] = field(factory=lambda: [(_DOMAIN, True)])
    most_domains: int = 50
    credits: int | None = None
    key: str = VERIFIES
    sends: int = 0

    def react(self, asked: Asked) -> Reaction:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return _NO_KEY
        if (asked.method, asked.path) == ("POST", "/v3/mail/send"):
            return self._send(asked)
        if self.situation is Situation.KEY_REVOKED:
            return _NO_KEY
        if self.situation in {Situation.SILENT, Situation.CUT_OFF, Situation.LOST}:
            return (_ACCEPTED | _REFUSED)[self.situation]
        for pattern, react in _ROUTES.items():
            found = re.fullmatch(pattern, f"{asked.method} {asked.path}")
            if found:
                return react(self, asked, *found.groups())
        return error(404, "not found")

    def ref(self, number: int) -> str:
        """Id of the mail of that number, from 0."""
        return f"14c5d75ce93dfd-{number:07d}"

    def _send(self, asked: Asked) -> Reaction:
        self.sends += 1
        if self.situation is Situation.KEY_REVOKED:
            return _NO_KEY
        if self.situation in _REFUSED:
            return _REFUSED[self.situation]
        refused = self._invalid(asked.json())
        if refused is not None:
            return refused
        if self.credits == 0:
            return error(401, "Maximum credits exceeded")
        if self.credits is not None:
            self.credits -= 1
        self.mails.append(asked.json())
        if self.situation in _ACCEPTED:
            return _ACCEPTED[self.situation]
        return Says(
            202,
            b"",
            headers={"X-Message-Id": self.ref(len(self.mails) - 1)},
            after_s=_SLOW_S if self.situation is Situation.SLOW else 0.0,
        )

    def _invalid(self, body: dict[str, Any]) -> Says | None:
        assert set(body) == _FIELDS, set(body) ^ _FIELDS
        assert body["tracking_settings"] == _OFF
        assert body["mail_settings"] == {"footer": {"enable": False}}
        (envelope,) = body["personalizations"]
        assert set(envelope) == {"to", "headers", "custom_args"}
        assert not {name.lower() for name in envelope["headers"]} & _RESERVED
        assert all(isinstance(one, str) for one in envelope["custom_args"].values())
        (part,) = body["content"]
        assert part["type"] == "text/plain"
        if not body["subject"]:
            return error(400, "The subject is required.", "subject")
        if not part["value"]:
            says = (
                "The content value must be a string at least one character in length."
            )
            return error(400, says, "content.0.value")
        nobody = self.situation in {Situation.NOBODY_THERE, Situation.FIRST_REFUSED}
        if nobody or not all("@" in one["email"] for one in envelope["to"]):
            says = f"Does not contain a valid address: {envelope['to'][0]['email']}"
            return error(400, says, "personalizations.0.to.0.email")
        domain = body["from"]["email"].rpartition("@")[2]
        if (domain, True) not in self.domains:
            says = "The from address does not match a verified Sender Identity."
            return error(403, says, "from")
        return None

    def block(self, asked: Asked) -> Reaction:
        (emails,) = asked.json().values()
        for one in emails:
            if one not in self.blocked:
                self.blocked.append(one)
        return Says(201, {"recipient_emails": emails})

    def listed_domains(self, asked: Asked) -> Reaction:
        offset = int(asked.query["offset"])
        most = min(int(asked.query["limit"]), self.most_domains)
        numbered = list(enumerate(self.domains, 1))[offset : offset + most]
        return Says(200, [_domain(n, name, valid=ok) for n, (name, ok) in numbered])

    def listed_webhooks(self, _asked: Asked) -> Reaction:
        told = [{**one, "public_key": self._key(one)} for one in self.webhooks]
        shown = [
            {name: value for name, value in one.items() if name != "signed"}
            for one in told
        ]
        return Says(200, {"max_allowed": self.most_webhooks, "webhooks": shown or [{}]})

    def _key(self, webhook: dict[str, Any]) -> str:
        return self.key if webhook["signed"] else ""

    def subscribe(self, asked: Asked) -> Reaction:
        body = asked.json()
        if not body["url"].startswith("https://"):
            return error(400, f"'{body['url']}' is not a valid url")
        if len(self.webhooks) >= self.most_webhooks:
            return error(400, "You have reached the maximum number of webhooks.")
        made = {**body, "id": str(UUID(int=len(self.webhooks))), "signed": False}
        self.webhooks.append(made)
        return Says(201, {name: made[name] for name in made if name != "signed"})

    def change(self, asked: Asked, ref: str) -> Reaction:
        (one,) = [hook for hook in self.webhooks if hook["id"] == ref]
        one.update(asked.json())
        return Says(200, {name: one[name] for name in one if name != "signed"})

    def sign(self, asked: Asked, ref: str) -> Reaction:
        (one,) = [hook for hook in self.webhooks if hook["id"] == ref]
        one["signed"] = asked.json()["enabled"]
        return Says(200, {"id": ref, "public_key": self._key(one)})


_HOOKS: Final = "/v3/user/webhooks/event/settings"
_ROUTES: Final[dict[str, Callable[..., Reaction]]] = {
    r"POST /v3/asm/suppressions/global": Account.block,
    r"GET /v3/whitelabel/domains": Account.listed_domains,
    rf"GET {_HOOKS}/all": Account.listed_webhooks,
    rf"POST {_HOOKS}": Account.subscribe,
    rf"PATCH {_HOOKS}/signed/([^/]+)": Account.sign,
    rf"PATCH {_HOOKS}/([^/]+)": Account.change,
}


def _domain(number: int, name: str, *, valid: bool) -> dict[str, Any]:
    record = {"valid": valid, "type": "cname", "host": f"em1.{name}", "data": "x.y"}
    return {
        "id": number,
        "user_id": 7,
        "subdomain": "em1",
        "domain": name,
        "username": "ion",
        "ips": [],
        "custom_spf": False,
        "default": False,
        "legacy": False,
        "automatic_security": True,
        "valid": valid,
        "dns": dict.fromkeys(("mail_cname", "dkim1", "dkim2"), record),
    }


@frozen
class WarmGateway:
    """The adapter, given the suites' parcels (of phones) as warm mail."""

    inner: SendGridGateway

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        warm = evolve(
            parcel,
            permit=Permit(Channel.EMAIL_WARM, State.WARM_REPLY),
            sender_number=_MAILS.get(parcel.sender_number, f"ion@{_DOMAIN}"),
            to=_MAILS.get(parcel.to, parcel.to),
            subject="Bună ziua",
        )
        return await self.inner.send(warm, within)

    async def stop(self, stop: Stop) -> Confirmed | Again:
        return await self.inner.stop(stop)

    async def domains(self) -> Sequence[AccountDomain]:
        return await self.inner.domains()

    async def register(self, url: str) -> None:
        await self.inner.register(url)


@define(eq=False)
class SendGridBench:
    """Implements `outreach.testing.gateway.RegistersWorkbench`.

    Attributes:
        warms: give the adapter what the suites send as warm mail.
    """

    server: FaultServer
    account: Account
    reachable: SendGridGateway
    unreachable: SendGridGateway
    warms: bool = True

    @property
    def plain(self) -> SendGridGateway:
        gone = self.account.situation is Situation.UNREACHABLE
        return self.unreachable if gone else self.reachable

    @property
    def gateway(self) -> Any:
        return WarmGateway(self.plain) if self.warms else self.plain

    @property
    def arrivals(self) -> int:
        return self.account.sends

    @property
    def accepted(self) -> list[str]:
        return [mail["content"][0]["value"] for mail in self.account.mails]

    async def arrange(self, situation: Situation) -> None:
        self.account.situation = situation

    async def own(self, domain: str, *, ready: bool) -> None:
        self.account.domains.append((domain, ready))

    async def let_go(self) -> list[str]:
        """What is accepted has left already."""
        return []

    def registered(self, url: str) -> list[str]:
        hooks = [one for one in self.account.webhooks if one["url"] == url]
        return [name for one in hooks for name in one if one[name] is True]


@contextlib.asynccontextmanager
async def opened(*, warms: bool = True) -> AsyncIterator[SendGridBench]:
    account = Account()
    async with FaultServer(account.react) as server:
        clients = [
            open_client(KEY, base_url=url, user_agent="outreach tests")
            for url in (server.url, unused_url())
        ]
        within = timedelta(seconds=0.5)
        there, nowhere = (
            SendGridGateway(one, keys=(VERIFIES,), ask_within=within) for one in clients
        )
        yield SendGridBench(server, account, there, nowhere, warms)
        for client in clients:
            await client.aclose()
