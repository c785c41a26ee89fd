"""Three WhatsApp gateways on the fault server, and the adapter in the dialect of each.

Each is strict and has a memory: it takes no field that it does not know, knows its
numbers by the names that the adapter must give them, and shows a message under an id
once, where it takes ids.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Generic, TypeVar

from attrs import define, field

from outreach.adapters._http import HttpClient
from outreach.adapters.baileys import (
    BaileysApi,
    BaileysGateway,
    Dialect,
    Evolution,
    EvolutionGateway,
    Waha,
    WahaGateway,
    open_client,
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
from outreach.testing.gateway import OURS, WAIT, Situation

__all__ = [
    "KEY",
    "SECRET",
    "ApiHouse",
    "BaileysBench",
    "EvolutionHouse",
    "House",
    "WahaHouse",
    "opened",
]

KEY: Final = "4d2d0239-canary-key"
SECRET: Final = "a-secret-of-the-webhooks"
_EDGE: Final = b"<!DOCTYPE html><html><title>Attention Required!</title></html>"
_CUT: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n{"
_SLOW_S: Final = 0.05
_RETRY: Final = {"Retry-After": str(int(WAIT.total_seconds()))}

_ACCEPTED: Final[dict[Situation, Reaction]] = {
    Situation.BUSY_SOMEWHERE: Says(503, b"<html>upstream</html>"),
    Situation.BROKEN: Says(500, {"statusCode": 500, "message": "Timed Out"}),
    Situation.SILENT: Hangs(),
    Situation.CUT_OFF: HangsUp(_CUT),
    Situation.RUBBISH: Says(200, b"\x00\xffOK"),
}
_REFUSED: Final[dict[Situation, Reaction]] = {
    Situation.RATE_LIMITED: Says(429, {"error": "slow down"}, headers=_RETRY),
    Situation.RATE_LIMITED_SOMEHOW: Says(429, b"slow down"),
    Situation.TURNED_AWAY: Says(403, _EDGE),
    Situation.LOST: HangsUp(),
}
_NOBODY: Final = frozenset({Situation.NOBODY_THERE, Situation.FIRST_REFUSED})


@define(eq=False)
class House:
    """What one gateway holds, whatever its dialect.

    Attributes:
        unheard: sends that ended with the question before them.
    """

    dialect: ClassVar[Dialect]
    busy: ClassVar[Reaction]
    no_key: ClassVar[Reaction]
    routes: ClassVar[dict[str, Callable[..., Reaction]]]

    situation: Situation = Situation.WELL
    messages: list[dict[str, Any]] = field(factory=list)
    hooks: dict[str, Any] = field(factory=dict)
    sends: int = 0
    unheard: int = 0

    def react(self, asked: Asked) -> Reaction:
        ((header, value),) = self.dialect.headers(KEY).items()
        path = f"{asked.method} {asked.path}"
        for pattern, answer in self.routes.items():
            found = re.fullmatch(pattern, path)
            if found is None:
                continue
            is_send = answer.__name__ == "send"
            self.sends += is_send
            revoked = self.situation is Situation.KEY_REVOKED
            if revoked or asked.headers.get(header) != value:
                self.unheard += answer.__name__ == "check"
                return self.no_key
            reaction = answer(self, asked, *found.groups())
            return self._sent(reaction) if is_send else reaction
        return Says(404, b"<html>no such page</html>")

    def _sent(self, reaction: Reaction) -> Reaction:
        return reaction

    def take(
        self, session: str, to: str, text: str, key: str, said: Callable[..., object]
    ) -> Reaction:
        """Bring about what the situation wants of a send."""
        assert f"+{session}" in OURS, session
        assert text
        if self.situation is Situation.BUSY:
            return self.busy
        if self.situation in _REFUSED:
            return _REFUSED[self.situation]
        message = self.write(session, to, text, key)
        if self.situation in _ACCEPTED:
            return _ACCEPTED[self.situation]
        slow = self.situation is Situation.SLOW
        return Says(201, said(message), after_s=_SLOW_S if slow else 0.0)

    def write(
        self,
        session: str,
        to: str,
        text: str,
        key: str = "",
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """Put a message of ours into a chat; one under a known id is there already."""
        for one in self.messages:
            if key and one["key"] == key:
                return one
        message = {
            "session": session,
            "to": to,
            "text": text,
            "key": key or f"3EB0{len(self.messages):018X}",
            "at": int((at or datetime.now(UTC)).timestamp()),
            "status": 1,
        }
        self.messages.append(message)
        return message

    def is_there(self) -> bool:
        there = self.situation not in _NOBODY
        self.unheard += not there
        return there


# --- baileys-api


@define(eq=False)
class ApiHouse(House):
    dialect: ClassVar[Dialect] = BaileysApi()
    busy: ClassVar[Reaction] = Says(421, {"error": "wrong worker"})
    no_key: ClassVar[Reaction] = Says(401, b"Unauthorized")
    known: dict[str, dict[str, Any]] = field(factory=dict)

    def check(self, asked: Asked, number: str) -> Reaction:
        assert number in OURS
        body = asked.json()
        assert set(body) == {"jids"}
        (jid,) = body["jids"]
        assert re.fullmatch(r"\d{5,15}@s\.whatsapp\.net", jid)
        return Says(200, [{"jid": jid, "exists": self.is_there()}])

    def send(self, asked: Asked, number: str) -> Reaction:
        body = asked.json()
        assert set(body) == {"jid", "messageContent", "chatwootMessageId"}
        assert set(body["messageContent"]) == {"text"}
        key = f"{number}:{body['chatwootMessageId']}"
        if key in self.known and self.situation is Situation.WELL:
            return Says(200, self._told(self.known[key]))
        text, jid = body["messageContent"]["text"], body["jid"]
        reaction = self.take(number[1:], jid, text, "", self._told)
        if isinstance(reaction, Says) and reaction.status == 201:
            self.known[key] = self.messages[-1]
            return Says(200, reaction.body, after_s=reaction.after_s)
        return reaction

    def _told(self, message: dict[str, Any]) -> object:
        key = {"remoteJid": message["to"], "fromMe": True, "id": message["key"]}
        return {"data": {"key": key, "messageTimestamp": str(message["at"])}}


ApiHouse.routes = {
    r"POST /connections/(\+\d+)/on-whatsapp": ApiHouse.check,
    r"POST /connections/(\+\d+)/send-message": ApiHouse.send,
}


# --- WAHA


@define(eq=False)
class WahaHouse(House):
    dialect: ClassVar[Dialect] = Waha()
    busy: ClassVar[Reaction] = Says(
        422,
        {
            "error": "Session status is not as expected. Try again later or restart it",
            "session": OURS[0][1:],
            "status": "STARTING",
            "expected": ["WORKING"],
        },
    )
    no_key: ClassVar[Reaction] = Says(
        401, {"statusCode": 401, "message": "Unauthorized"}
    )
    statuses: dict[str, str] = field(factory=dict)
    restarts: int = 0

    def check(self, asked: Asked) -> Reaction:
        assert f"+{asked.query['session']}" in OURS
        phone = asked.query["phone"]
        assert set(asked.query) == {"phone", "session"}
        there = self.is_there()
        found = {"chatId": f"{phone}@c.us"} if there else {}
        return Says(200, {"numberExists": there, **found})

    def send(self, asked: Asked) -> Reaction:
        body = asked.json()
        assert set(body) == {"session", "chatId", "text", "id"}
        return self.take(
            body["session"], body["chatId"], body["text"], body["id"], told_by_waha
        )

    def history(self, asked: Asked, session: str, chat: str) -> Reaction:
        query = asked.query
        assert query["filter.fromMe"] == "true"
        since = int(query["filter.timestamp.gte"])
        found = [
            told_by_waha(one)
            for one in reversed(self.messages)
            if (one["session"], one["to"]) == (session, chat) and one["at"] >= since
        ]
        start = int(query["offset"])
        return Says(200, found[start : start + int(query["limit"])])

    def sessions(self, asked: Asked) -> Reaction:
        assert asked.query == {"all": "true"}
        return Says(200, [*(self.info(one[1:]) for one in OURS), self.info("default")])

    def session(self, _asked: Asked, name: str) -> Reaction:
        return Says(200, self.info(name))

    def update(self, asked: Asked, name: str) -> Reaction:
        self.hooks[name] = asked.json()["config"]
        self.restarts += 1
        return Says(200, {"name": name, "status": "STARTING"})

    def info(self, name: str) -> dict[str, Any]:
        me = {"id": f"{name}@c.us", "pushName": "Firma", "lid": "77@lid"}
        return {
            "name": name,
            "me": me if name.isdigit() else None,
            "presence": {},
            "timestamps": {"activity": 1},
            "status": self.statuses.get(name, "WORKING"),
            "config": self.hooks.get(name, {"debug": False}),
        }


def told_by_waha(message: dict[str, Any]) -> dict[str, Any]:
    """As the vendor's description has a message."""
    return {
        "id": f"true_{message['to']}_{message['key']}",
        "timestamp": message["at"],
        "from": f"{message['session']}@c.us",
        "fromMe": True,
        "source": "api",
        "to": message["to"],
        "participant": "",
        "body": message["text"],
        "hasMedia": False,
        "mediaUrl": "",
        "ack": message["status"],
        "ackName": "SERVER",
        "_data": {},
    }


WahaHouse.routes = {
    r"GET /api/contacts/check-exists": WahaHouse.check,
    r"POST /api/sendText": WahaHouse.send,
    r"GET /api/(\d+)/chats/([^/]+)/messages": WahaHouse.history,
    r"GET /api/sessions": WahaHouse.sessions,
    r"GET /api/sessions/(\w+)": WahaHouse.session,
    r"PUT /api/sessions/(\w+)": WahaHouse.update,
}


# --- Evolution

_WORDS: Final = ("ERROR", "PENDING", "SERVER_ACK", "DELIVERY_ACK", "READ", "PLAYED")


def _error(status: int, message: object) -> Says:
    body = {"status": status, "error": "No", "response": {"message": message}}
    return Says(status, body)


@define(eq=False)
class EvolutionHouse(House):
    dialect: ClassVar[Dialect] = Evolution()
    busy: ClassVar[Reaction] = Says(503, {"code": "LICENSE_REQUIRED", "error": "No"})
    no_key: ClassVar[Reaction] = _error(401, "Unauthorized")
    statuses: dict[str, str] = field(factory=dict)
    codes: dict[str, int] = field(factory=dict)

    def send(self, asked: Asked, name: str) -> Reaction:
        body = asked.json()
        assert set(body) == {"number", "text"}
        if self.situation in _NOBODY:
            nobody = {"jid": "0@s.whatsapp.net", "exists": False, "number": "0"}
            return _error(400, [nobody])
        if self.situation is Situation.BROKEN:
            self.write(name, body["number"], body["text"])
            return _error(400, ["TypeError: Cannot read properties of undefined"])
        return self.take(name, body["number"], body["text"], "", _told_by_evolution)

    def history(self, asked: Asked, name: str) -> Reaction:
        body = asked.json()
        key = body["where"]["key"]
        assert key["fromMe"] is True
        to = key["remoteJid"].removesuffix("@s.whatsapp.net")
        found = [
            _told_by_evolution(one)
            for one in reversed(self.messages)
            if (one["session"], one["to"]) == (name, to)
        ]
        start = body["offset"] * (body["page"] - 1)
        records = found[start : start + body["offset"]]
        told = {"total": len(found), "pages": 1, "currentPage": body["page"]}
        return Says(200, {"messages": {**told, "records": records}})

    def status(self, asked: Asked, name: str) -> Reaction:
        wanted = asked.json()["where"]["id"]
        found = [
            {"status": word, "keyId": one["key"], "fromMe": True}
            for one in self.messages
            if (one["session"], one["key"]) == (name, wanted)
            for word in _WORDS[1 : one["status"] + 1]
        ]
        return Says(200, found)

    def instances(self, _asked: Asked) -> Reaction:
        return Says(200, [self._instance(name) for name in (*OURS, "+teste")])

    def _instance(self, number: str) -> dict[str, Any]:
        name = number[1:]
        return {
            "id": "421a4121-a3d9-40cc-a8db-c3a1df353126",
            "name": name,
            "connectionStatus": self.statuses.get(name, "open"),
            "ownerJid": f"{name}@s.whatsapp.net",
            "disconnectionReasonCode": self.codes.get(name),
            "token": "an-instance-token",
        }

    def hook(self, _asked: Asked, name: str) -> Reaction:
        return Says(200, self.hooks.get(name))

    def set_hook(self, asked: Asked, name: str) -> Reaction:
        body = asked.json()
        assert set(body) == {"webhook"}
        self.hooks[name] = {**body["webhook"], "webhookByEvents": False}
        return Says(201, {"webhook": self.hooks[name]})


def _told_by_evolution(message: dict[str, Any]) -> dict[str, Any]:
    jid = f"{message['to']}@s.whatsapp.net"
    return {
        "key": {"remoteJid": jid, "fromMe": True, "id": message["key"]},
        "message": {"conversation": message["text"]},
        "messageTimestamp": message["at"],
        "status": "PENDING",
    }


EvolutionHouse.routes = {
    r"POST /message/sendText/(\d+)": EvolutionHouse.send,
    r"POST /chat/findMessages/(\d+)": EvolutionHouse.history,
    r"POST /chat/findStatusMessage/(\d+)": EvolutionHouse.status,
    r"GET /instance/fetchInstances": EvolutionHouse.instances,
    r"GET /webhook/find/(\d+)": EvolutionHouse.hook,
    r"POST /webhook/set/(\d+)": EvolutionHouse.set_hook,
}


# --- the bench

H = TypeVar("H", bound=House)


@define(eq=False)
class BaileysBench(Generic[H]):
    """Implements `outreach.testing.gateway.RegistersWorkbench`."""

    server: FaultServer
    house: H
    reachable: Any
    unreachable: Any

    @property
    def gateway(self) -> Any:
        gone = self.house.situation is Situation.UNREACHABLE
        return self.unreachable if gone else self.reachable

    @property
    def arrivals(self) -> int:
        """A send that ends with the question before it is one that arrived."""
        return self.house.sends + self.house.unheard

    @property
    def accepted(self) -> list[str]:
        return [message["text"] for message in self.house.messages]

    async def arrange(self, situation: Situation) -> None:
        self.house.situation = situation

    def registered(self, url: str) -> list[str]:
        found = []
        for name, kept in self.house.hooks.items():
            for hook in kept.get("webhooks", [kept]):
                if hook["url"] == url:
                    found += [f"{name}:{event}" for event in hook["events"]]
        return found


def _gateway(house: House, client: HttpClient) -> Any:
    within = timedelta(seconds=5)
    if isinstance(house, WahaHouse):
        return WahaGateway(client, Waha(), within, webhook_secret=SECRET)
    if isinstance(house, EvolutionHouse):
        return EvolutionGateway(client, Evolution(), within, webhook_secret=SECRET)
    return BaileysGateway(client, BaileysApi(), within)


@contextlib.asynccontextmanager
async def opened(house: H) -> AsyncIterator[BaileysBench[H]]:
    """A gateway that runs, and the adapter twice: one reaches it, the other nobody."""
    async with FaultServer(house.react) as server:
        clients = [
            open_client(house.dialect, KEY, base_url=url, user_agent="outreach tests")
            for url in (server.url, unused_url())
        ]
        there, nowhere = (_gateway(house, client) for client in clients)
        yield BaileysBench(server, house, there, nowhere)
        for client in clients:
            await client.aclose()


def raw(body: object) -> bytes:
    """A delivery's body."""
    return json.dumps(body).encode()
