"""An account at Resend on the fault server, and the adapter that speaks to it.

The account is strict and has a memory: it knows mails by their keys, refuses a key with
another body, counts a day's quota and a rate, and takes no field it does not know.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from attrs import define, evolve, field, frozen

from outreach.adapters.resend import ResendGateway, ResendReader, open_client
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.event import SystemEvent
from outreach.domain.message import Answer, Parcel
from outreach.domain.stop import Stop
from outreach.ports.domains import AccountDomain
from outreach.ports.gateway import (
    Absent,
    Again,
    CannotTell,
    Confirmed,
    Found,
    Status,
)
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

__all__ = ["KEY", "SECRET", "Account", "ResendBench", "WarmGateway", "error", "opened"]

KEY: Final = "re_4d2d0239_canary_key"
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_DOMAIN: Final = "warm.example"
_MAILS: Final = {
    OURS[0]: f"ion@{_DOMAIN}",
    OURS[1]: f"eva@{_DOMAIN}",
    THEIRS: "ana@firma.ro",
}
_FIELDS: Final = {"from", "to", "subject", "text", "headers", "tags"}
_REMEMBERED: Final = timedelta(hours=24)
_EDGE: Final = b"<!DOCTYPE html><html><title>Attention Required!</title></html>"
_CUT: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n{"
_SLOW_S: Final = 0.05


def error(
    status: int, name: str, message: str = "No.", headers: dict[str, str] | None = None
) -> Says:
    body = {"statusCode": status, "name": name, "message": message}
    return Says(status, body, headers=headers or {})


_ACCEPTED: Final[dict[Situation, Reaction]] = {
    Situation.BUSY_SOMEWHERE: Says(503, b"<html>upstream</html>"),
    Situation.BROKEN: error(500, "application_error", "Internal server error"),
    Situation.SILENT: Hangs(),
    Situation.CUT_OFF: HangsUp(_CUT),
    Situation.RUBBISH: Says(200, b"\x00\xffOK"),
}
_REFUSED: Final[dict[Situation, Reaction]] = {
    Situation.RATE_LIMITED: error(
        429,
        "rate_limit_exceeded",
        headers={"Retry-After": str(int(WAIT.total_seconds()))},
    ),
    Situation.RATE_LIMITED_SOMEHOW: Says(429, b"slow down"),
    Situation.BUSY: error(429, "daily_quota_exceeded"),
    Situation.TURNED_AWAY: Says(403, _EDGE),
    Situation.LOST: HangsUp(),
}
_NO_KEY: Final = error(401, "invalid_api_key", "API key is invalid")


@define(eq=False)
class Account:
    """What the vendor holds.

    Attributes:
        mails: sent, as `GET /emails/{id}` tells them; newest last.
        keys: idempotency keys with the body they came with, the id, and when.
        quota: mails of the day that are left; None: no bound.
    """

    situation: Situation = Situation.WELL
    mails: list[dict[str, Any]] = field(factory=list)
    keys: dict[str, tuple[bytes, str, datetime]] = field(factory=dict)
    received: dict[str, dict[str, Any]] = field(factory=dict)
    blocked: list[str] = field(factory=list)
    webhooks: list[dict[str, Any]] = field(factory=list)
    domains: list[tuple[str, str]] = field(factory=lambda: [(_DOMAIN, "verified")])
    quota: int | None = None
    in_progress: set[str] = field(factory=set)
    sends: int = 0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def react(self, asked: Asked) -> Reaction:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return _NO_KEY
        if (asked.method, asked.path) == ("POST", "/emails"):
            return self._send(asked)
        if self.situation is Situation.KEY_REVOKED:
            return _NO_KEY
        if self.situation in {Situation.SILENT, Situation.CUT_OFF, Situation.LOST}:
            return (_ACCEPTED | _REFUSED)[self.situation]
        for pattern, react in _ROUTES.items():
            found = re.fullmatch(pattern, f"{asked.method} {asked.path}")
            if found:
                return react(self, asked, *found.groups())
        return error(404, "not_found", "The requested endpoint does not exist")

    def _send(self, asked: Asked) -> Reaction:
        self.sends += 1
        if self.situation is Situation.KEY_REVOKED:
            return _NO_KEY
        if self.situation in _REFUSED:
            return _REFUSED[self.situation]
        known = self._known(asked)
        if isinstance(known, Says):
            return known
        if not known:
            refused = self._invalid(asked.json())
            if refused is not None:
                return refused
            if self.quota == 0:
                return error(429, "daily_quota_exceeded")
            known = self._accept(asked)
        if self.situation in _ACCEPTED:
            return _ACCEPTED[self.situation]
        slow = self.situation is Situation.SLOW
        return Says(200, {"id": known}, after_s=_SLOW_S if slow else 0.0)

    def _known(self, asked: Asked) -> str | Says:
        """The id of a mail that this key was used for; empty for a new one."""
        key = asked.headers.get("idempotency-key", "")
        if not 0 < len(key) <= 256:
            return error(400, "invalid_idempotency_key")
        if key in self.in_progress:
            return error(409, "concurrent_idempotent_requests")
        body, ref, at = self.keys.get(key, (b"", "", self.now()))
        if not ref or self.now() - at >= _REMEMBERED:
            return ""
        same = json.loads(body) == asked.json()
        return ref if same else error(409, "invalid_idempotent_request")

    def _invalid(self, body: dict[str, Any]) -> Says | None:
        assert set(body) <= _FIELDS, set(body) - _FIELDS
        for name in ("from", "to", "subject"):
            if not body.get(name):
                return error(422, "missing_required_field", f"Missing `{name}` field.")
        nobody = self.situation in {Situation.NOBODY_THERE, Situation.FIRST_REFUSED}
        if nobody or not all("@" in one for one in body["to"]):
            says = f"Invalid `to` field: {body['to'][0]} is no address."
            return error(422, "validation_error", says)
        domain = body["from"].rpartition("@")[2]
        if (domain, "verified") not in self.domains:
            says = f"The {domain} domain is not verified."
            return error(403, "validation_error", says)
        return None

    def _accept(self, asked: Asked) -> str:
        body = asked.json()
        ref = f"49a3999c-0ce1-4ea6-ab68-{len(self.mails):012d}"
        stamp = self.now().strftime("%Y-%m-%d %H:%M:%S.%f+00")
        self.mails.append(
            {
                "object": "email",
                "id": ref,
                "message_id": f"<{len(self.mails)}@eu-west-1.ses.example>",
                "from": body["from"],
                "to": body["to"],
                "subject": body["subject"],
                "text": body["text"],
                "created_at": stamp,
                "last_event": "sent",
            }
        )
        self.keys[asked.headers["idempotency-key"]] = (asked.body, ref, self.now())
        if self.quota is not None:
            self.quota -= 1
        return ref

    def mail(self, _asked: Asked, ref: str) -> Reaction:
        for one in self.mails:
            if one["id"] == ref:
                return Says(200, one)
        return error(404, "not_found", "Email not found")

    def listed(self, asked: Asked) -> Reaction:
        newest = [
            {name: value for name, value in one.items() if name != "text"}
            for one in reversed(self.mails)
        ]
        if "after" in asked.query:
            ids = [one["id"] for one in newest]
            newest = newest[ids.index(asked.query["after"]) + 1 :]
        limit = int(asked.query.get("limit", "20"))
        return _list(newest[:limit], more=len(newest) > limit)

    def cancel(self, _asked: Asked, ref: str) -> Reaction:
        for one in self.mails:
            if one["id"] == ref and one["last_event"] == "scheduled":
                one["last_event"] = "canceled"
                return Says(200, {"object": "email", "id": ref})
        return error(422, "validation_error", "Email is already sent.")

    def receive(self, text: str, **changes: Any) -> SystemEvent:
        """A mail comes in; the event as the vendor's webhook says it."""
        ref = str(UUID(int=len(self.received)))
        mail = {
            "object": "email",
            "id": ref,
            "to": [_MAILS[OURS[0]]],
            "from": f"Ana <{_MAILS[THEIRS]}>",
            "subject": "Re: Bună ziua",
            "message_id": f"<{len(self.received)}@firma.ro>",
            "html": None,
            "text": text,
            "headers": {},
            "created_at": "2023-10-06T23:47:56.678Z",
            "attachments": [],
            **changes,
        }
        self.received[ref] = mail
        data = {
            "email_id": ref,
            **{n: mail[n] for n in ("created_at", "from", "to", "subject")},
            **{n: mail[n] for n in ("message_id", "attachments")},
            "bcc": [],
            "cc": [],
        }
        event = {"type": "email.received", "created_at": mail["created_at"]}
        (read,) = ResendReader().read(json.dumps({**event, "data": data}).encode())
        return read

    def came_in(self, _asked: Asked, ref: str) -> Reaction:
        found = self.received.get(ref)
        return Says(200, found) if found else error(404, "not_found", "Not found")

    def block(self, asked: Asked) -> Reaction:
        (to,) = asked.json().values()
        if to in self.blocked:
            return error(409, "validation_error", "Email is already suppressed.")
        self.blocked.append(to)
        return Says(201, {"object": "suppression", "id": f"sup-{len(self.blocked)}"})

    def listed_domains(self, _asked: Asked) -> Reaction:
        return _list(
            [
                {"id": f"d-{n}", "name": name, "status": status}
                for n, (name, status) in enumerate(self.domains)
            ]
        )

    def listed_webhooks(self, _asked: Asked) -> Reaction:
        hidden = {"signing_secret", "object"}
        return _list(
            [
                {name: value for name, value in one.items() if name not in hidden}
                for one in self.webhooks
            ]
        )

    def webhook(self, asked: Asked, ref: str) -> Reaction:
        (one,) = [hook for hook in self.webhooks if hook["id"] == ref]
        if asked.method == "PATCH":
            one.update(asked.json())
            return Says(200, {"object": "webhook", "id": ref})
        return Says(200, one)

    def subscribe(self, asked: Asked) -> Reaction:
        made = {
            **asked.json(),
            "object": "webhook",
            "id": str(UUID(int=len(self.webhooks))),
            "status": "enabled",
            "signing_secret": SECRET,
        }
        self.webhooks.append(made)
        told = {name: made[name] for name in ("object", "id", "signing_secret")}
        return Says(201, told)


_ROUTES: Final[dict[str, Callable[..., Reaction]]] = {
    r"GET /emails": Account.listed,
    r"GET /emails/([^/]+)": Account.mail,
    r"POST /emails/([^/]+)/cancel": Account.cancel,
    r"GET /emails/receiving/([^/]+)": Account.came_in,
    r"POST /suppressions": Account.block,
    r"GET /domains": Account.listed_domains,
    r"GET /webhooks": Account.listed_webhooks,
    r"(?:GET|PATCH) /webhooks/([^/]+)": Account.webhook,
    r"POST /webhooks": Account.subscribe,
}


def _list(found: list[dict[str, Any]], *, more: bool = False) -> Says:
    return Says(200, {"object": "list", "has_more": more, "data": found})


@frozen
class WarmGateway:
    """The adapter, given the suites' parcels (of phones) as warm mail."""

    inner: ResendGateway

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        return await self.inner.send(_warm(parcel), within)

    async def repeat(
        self, parcel: Parcel, since: datetime, within: timedelta
    ) -> Answer:
        return await self.inner.repeat(_warm(parcel), since, within)

    @property
    def repeats_for(self) -> timedelta:
        return self.inner.repeats_for

    async def look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        return await self.inner.look(_warm(parcel), since)

    async def statuses(self, refs: Sequence[str]) -> Sequence[Status]:
        return await self.inner.statuses(refs)

    async def stop(self, stop: Stop) -> Confirmed | Again:
        return await self.inner.stop(stop)

    async def fetch(self, event: SystemEvent) -> SystemEvent:
        return await self.inner.fetch(event)

    async def domains(self) -> Sequence[AccountDomain]:
        return await self.inner.domains()

    async def register(self, url: str) -> None:
        await self.inner.register(url)


def _warm(parcel: Parcel) -> Parcel:
    return evolve(
        parcel,
        permit=Permit(Channel.EMAIL_WARM, State.WARM_REPLY),
        sender_number=_MAILS.get(parcel.sender_number, f"ion@{_DOMAIN}"),
        to=_MAILS.get(parcel.to, parcel.to),
        subject="Bună ziua",
    )


@define(eq=False)
class ResendBench:
    """Implements `outreach.testing.gateway.RegistersWorkbench`.

    Attributes:
        warms: give the adapter what the suites send as warm mail.
    """

    server: FaultServer
    account: Account
    reachable: ResendGateway
    unreachable: ResendGateway
    warms: bool = True

    @property
    def plain(self) -> ResendGateway:
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
        return [mail["text"] for mail in self.account.mails]

    async def arrange(self, situation: Situation) -> None:
        self.account.situation = situation

    async def receive(self, text: str) -> SystemEvent:
        return self.account.receive(text)

    async def forget(self, event: SystemEvent) -> None:
        del self.account.received[event.ref]

    async def own(self, domain: str, *, ready: bool) -> None:
        status = "verified" if ready else "pending"
        self.account.domains.append((domain, status))

    async def let_go(self) -> list[str]:
        """What is accepted has left already."""
        return []

    def registered(self, url: str) -> list[str]:
        hooks = [one for one in self.account.webhooks if one["endpoint"] == url]
        return [event for one in hooks for event in one["events"]]


@contextlib.asynccontextmanager
async def opened(*, warms: bool = True) -> AsyncIterator[ResendBench]:
    account = Account()
    async with FaultServer(account.react) as server:
        clients = [
            open_client(KEY, base_url=url, user_agent="outreach tests")
            for url in (server.url, unused_url())
        ]
        within = timedelta(seconds=0.5)
        there, nowhere = (
            ResendGateway(one, secrets=(SECRET,), ask_within=within) for one in clients
        )
        yield ResendBench(server, account, there, nowhere, warms)
        for client in clients:
            await client.aclose()
