"""A workspace at TimelinesAI on the fault server, and the adapter that speaks to it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from attrs import define, field

from outreach.adapters.timelinesai import (
    TimelinesGateway,
    TimelinesReader,
    open_client,
)
from outreach.domain.event import SystemEvent
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

__all__ = ["KEY", "PREFIX", "TimelinesBench", "opened"]

KEY: Final = "4d2d0239-canary-key"
PREFIX: Final = "/integrations/api"
_ZONE: Final = timezone(timedelta(hours=2))
_PAGE: Final = 50
_LONG_AGO: Final = "2001-01-01 00:00:00 +0000"
_EDGE: Final = b"<!DOCTYPE html><html><title>Attention Required!</title></html>"
_CUT: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n{"

_ACCEPTED: Final[dict[Situation, Reaction]] = {
    Situation.BUSY_SOMEWHERE: Says(503, b"<html>upstream</html>"),
    Situation.BROKEN: Says(500, {"status": "error", "message": "Internal error"}),
    Situation.SILENT: Hangs(),
    Situation.CUT_OFF: HangsUp(_CUT),
    Situation.RUBBISH: Says(200, b"\x00\xffOK"),
}


def _error(message: str, **more: object) -> dict[str, object]:
    return {"status": "error", "message": message, **more}


_REFUSED: Final[dict[Situation, Reaction]] = {
    Situation.RATE_LIMITED: Says(
        429,
        _error("Rate limit exceeded", error_code="rate_limit_exceeded"),
        headers={"Retry-After": str(int(WAIT.total_seconds()))},
    ),
    Situation.RATE_LIMITED_SOMEHOW: Says(429, b"slow down"),
    Situation.BUSY: Says(503, _error("Service temporarily unavailable")),
    Situation.TURNED_AWAY: Says(403, _EDGE),
    Situation.LOST: HangsUp(),
}
_NO_KEY: Final = Says(401, _error("Invalid token", error_code="invalid_token"))
_SLOW_S: Final = 0.05


@define(eq=False)
class Workspace:
    """What the vendor holds."""

    situation: Situation = Situation.WELL
    messages: list[dict[str, Any]] = field(factory=list)
    chats: list[dict[str, Any]] = field(factory=list)
    webhooks: list[dict[str, Any]] = field(factory=list)
    statuses: dict[str, str] = field(factory=dict)
    sends: int = 0
    plan: dict[str, Any] | None = None

    def react(self, asked: Asked) -> Reaction:
        assert asked.path.startswith(PREFIX), asked.path
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return _NO_KEY
        path = asked.path.removeprefix(PREFIX)
        if asked.method == "POST" and path.endswith("/messages"):
            return self._send(asked, path)
        if self.situation is Situation.KEY_REVOKED:
            return _NO_KEY
        for pattern, answer in _ROUTES.items():
            found = re.fullmatch(pattern, f"{asked.method} {path}")
            if found:
                return answer(self, asked, *found.groups())
        return Says(404, b"<html>no such page</html>")

    def _send(self, asked: Asked, path: str) -> Reaction:
        self.sends += 1
        if self.situation is Situation.KEY_REVOKED:
            return _NO_KEY
        body = asked.json()
        if self.situation in {Situation.NOBODY_THERE, Situation.FIRST_REFUSED}:
            return Says(400, _error(f'Wrong phone number "{body.get("phone")}"'))
        if self.situation in _REFUSED:
            return _REFUSED[self.situation]
        uid = self.accept(path, body)
        if self.situation in _ACCEPTED:
            return _ACCEPTED[self.situation]
        ok = {"status": "ok", "data": {"message_uid": uid}}
        slow = self.situation is Situation.SLOW
        return Says(200, ok, after_s=_SLOW_S if slow else 0.0)

    def accept(self, path: str, body: dict[str, Any]) -> str:
        known = re.fullmatch(r"/chats/(\d+)/messages", path)
        if known:
            chat = next(one for one in self.chats if one["id"] == int(known[1]))
        else:
            chat = self.chat(body["phone"], body["whatsapp_account_phone"])
        return self.write(chat, body["text"])

    def chat(self, phone: str, account: str) -> dict[str, Any]:
        jid = f"{account.removeprefix('+')}@s.whatsapp.net"
        for one in self.chats:
            if (one["phone"], one["whatsapp_account_id"]) == (phone, jid):
                return one
        chat = {
            "id": 1_000_001 + len(self.chats),
            "phone": phone,
            "is_group": False,
            "whatsapp_account_id": jid,
        }
        self.chats.append(chat)
        return chat

    def hear(self, text: str, at: datetime, them: str = THEIRS) -> dict[str, Any]:
        """Put a message of theirs into their chat with our first phone."""
        self.write(self.chat(them, OURS[0]), text, at)
        message = self.messages[-1]
        theirs = {
            "from_me": False,
            "sender_phone": them,
            "recipient_phone": OURS[0],
            "origin": "synced from WhatsApp",
            "status": "Read",
        }
        message.update(theirs)
        return message

    def write(self, chat: dict[str, Any], text: str, at: datetime | None = None) -> str:
        """Put a message of ours into a chat."""
        uid = f"a5bbb005-37f2-402c-96fa-{len(self.messages):012d}"
        moment = (at or datetime.now(UTC)).astimezone(_ZONE)
        account = chat["whatsapp_account_id"].partition("@")[0]
        self.messages.append(
            {
                "uid": uid,
                "chat_id": chat["id"],
                "timestamp": moment.strftime("%Y-%m-%d %H:%M:%S %z"),
                "sender_phone": f"+{account}",
                "recipient_phone": chat["phone"],
                "from_me": True,
                "text": text,
                "status": "Sending",
                "origin": "Public API",
                "message_type": "whatsapp",
                "has_attachment": False,
            }
        )
        return uid

    def message(self, _asked: Asked, uid: str) -> Reaction:
        for one in self.messages:
            if one["uid"] == uid:
                told = {**one, "status": self.statuses.get(uid, one["status"])}
                return Says(200, {"status": "ok", "data": told})
        return Says(404, _error(f'Message uid "{uid}" not found'))

    def found_chats(self, asked: Asked) -> Reaction:
        """By a phone, or all of one person each, the last changed first."""
        if "phone" in asked.query:
            digits = asked.query["phone"].removeprefix("+")
            found = [one for one in self.chats if digits in one["phone"]]
        else:
            assert asked.query["group"] == "false"
            found = [self._with_last(one) for one in self.chats]
            found.sort(key=_last, reverse=True)
        start = (int(asked.query["page"]) - 1) * _PAGE
        return _listed("chats", found[start:])

    def _with_last(self, chat: dict[str, Any]) -> dict[str, Any]:
        own = [one for one in self.messages if one["chat_id"] == chat["id"]]
        if not own:
            return chat
        last = max(own, key=_at)
        return {**chat, "last_message_timestamp": last["timestamp"]}

    def history(self, asked: Asked, chat: str) -> Reaction:
        query = asked.query
        since = datetime.fromisoformat(query["after"]).replace(tzinfo=_ZONE)
        found = [
            one
            for one in self.messages
            if one["chat_id"] == int(chat)
            and _at(one) >= since
            and (one["from_me"] or query.get("from_me") != "true")
        ]
        uids = [one["uid"] for one in found]
        if "after_message" in query:
            found = found[uids.index(query["after_message"]) + 1 :]
        if "before_message" in query:
            found = found[: uids.index(query["before_message"])]
        if query["sorting_order"] == "desc":
            found.sort(key=_at, reverse=True)
        return _listed("messages", found)

    def accounts(self, _asked: Asked) -> Reaction:
        listed = [
            {"id": f"{n[1:]}@s.whatsapp.net", "phone": n, "status": "Active"}
            for n in OURS
        ]
        data = {"whatsapp_accounts": listed}
        return Says(200, {"status": "ok", "data": data})

    def workspace(self, _asked: Asked) -> Reaction:
        """As the vendor describes it; with `plan`, instead of some of it."""
        period = {
            "period_start": "2026-11-17 00:00:00 +0200",
            "period_end": "2026-12-17 00:00:00 +0200",
        }
        told = {
            "workspace_id": "acme-inc",
            "display_name": "Acme Inc.",
            "plan": "Business",
            "messaging_quota": {"total": 5_000, "used": self.sends, **period},
            "api_calls_quota": {"total": 200_000, "used": 40, **period},
        }
        return Says(200, {"status": "ok", "data": told | (self.plan or {})})

    def listed_webhooks(self, _asked: Asked) -> Reaction:
        return Says(200, {"status": "ok", "data": self.webhooks})

    def subscribe(self, asked: Asked) -> Reaction:
        body = asked.json()
        for one in self.webhooks:
            if (one["event_type"], one["url"]) == (body["event_type"], body["url"]):
                one["enabled"] = True
                return Says(200, {"status": "ok", "data": one})
        made = {**body, "id": 700_001 + len(self.webhooks), "errors_counter": 0}
        self.webhooks.append(made)
        return Says(200, {"status": "ok", "data": made})


_ROUTES: Final[dict[str, Callable[..., Reaction]]] = {
    r"GET /chats": Workspace.found_chats,
    r"GET /chats/(\d+)/messages": Workspace.history,
    r"GET /messages/([^/]+)": Workspace.message,
    r"GET /whatsapp_accounts": Workspace.accounts,
    r"GET /workspace": Workspace.workspace,
    r"GET /webhooks": Workspace.listed_webhooks,
    r"POST /webhooks": Workspace.subscribe,
}


def _at(message: dict[str, Any]) -> datetime:
    return datetime.strptime(message["timestamp"], "%Y-%m-%d %H:%M:%S %z")


def _last(chat: dict[str, Any]) -> datetime:
    stamp = {"timestamp": chat.get("last_message_timestamp", _LONG_AGO)}
    return _at(stamp)


def _listed(name: str, found: list[dict[str, Any]]) -> Says:
    data = {"has_more_pages": len(found) > _PAGE, name: found[:_PAGE]}
    return Says(200, {"status": "ok", "data": data})


@define(eq=False)
class TimelinesBench:
    """Implements `outreach.testing.gateway.RegistersWorkbench`."""

    server: FaultServer
    workspace: Workspace
    reachable: TimelinesGateway
    unreachable: TimelinesGateway

    @property
    def gateway(self) -> TimelinesGateway:
        gone = self.workspace.situation is Situation.UNREACHABLE
        return self.unreachable if gone else self.reachable

    @property
    def arrivals(self) -> int:
        return self.workspace.sends

    @property
    def accepted(self) -> list[str]:
        return [message["text"] for message in self.workspace.messages]

    async def arrange(self, situation: Situation) -> None:
        self.workspace.situation = situation

    async def hear(self, text: str, at: datetime, chat: int = 0) -> str:
        them = f"{THEIRS[:-3]}{chat:03d}"
        return f"message:received:new:{self.workspace.hear(text, at, them)['uid']}"

    def read(self, body: bytes) -> Sequence[SystemEvent]:
        return TimelinesReader().read(body)

    def registered(self, url: str) -> list[str]:
        hooks = self.workspace.webhooks
        return [one["event_type"] for one in hooks if one["url"] == url]


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[TimelinesBench]:
    workspace = Workspace()
    async with FaultServer(workspace.react) as server:
        clients = [
            open_client(KEY, base_url=f"{url}{PREFIX}", user_agent="outreach tests")
            for url in (server.url, unused_url())
        ]
        within = timedelta(seconds=5)
        there, nowhere = (TimelinesGateway(one, ask_within=within) for one in clients)
        yield TimelinesBench(server, workspace, there, nowhere)
        for client in clients:
            await client.aclose()
