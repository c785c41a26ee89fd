"""An account at Wamm on the fault server, and the adapter that speaks to it.

What is known of the vendor is what a client of it does. The account takes that request
and no other, answers with that success, and has no memory that anybody could ask.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from attrs import define, evolve, field, frozen

from outreach.adapters.wamm import WammGateway, open_client
from outreach.domain.message import Answer, Parcel
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

__all__ = ["INSTANCES", "KEY", "Account", "WammBench", "error", "opened"]

KEY: Final = "64cf851690canary"
INSTANCES: Final = {OURS[0]: "609ACF283A001", OURS[1]: "609ACF283A002"}
_PARAMETERS: Final = {"number", "type", "message", "instance_id", "access_token"}
_EDGE: Final = b"<!DOCTYPE html><html><title>Attention Required!</title></html>"
_CUT: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n{"
_SLOW_S: Final = 0.05


def error(message: str, status: int = 200) -> Says:
    return Says(status, {"status": "error", "message": message})


_ACCEPTED: Final[dict[Situation, Reaction]] = {
    Situation.BUSY_SOMEWHERE: Says(503, b"<html>upstream</html>"),
    Situation.BROKEN: Says(500, {"status": "error", "message": "Server Error"}),
    Situation.SILENT: Hangs(),
    Situation.CUT_OFF: HangsUp(_CUT),
    Situation.RUBBISH: Says(200, b"\x00\xffOK"),
}
_REFUSED: Final[dict[Situation, Reaction]] = {
    Situation.RATE_LIMITED: Says(
        429, b"", headers={"Retry-After": str(int(WAIT.total_seconds()))}
    ),
    Situation.RATE_LIMITED_SOMEHOW: Says(429, b"slow down"),
    Situation.BUSY: error("Instance ID Invalidated"),
    Situation.TURNED_AWAY: Says(403, _EDGE),
    Situation.KEY_REVOKED: error("Access token does not exist"),
    Situation.NOBODY_THERE: error("Something went wrong"),
    Situation.FIRST_REFUSED: error("Something went wrong"),
    Situation.LOST: HangsUp(),
}


@define(eq=False)
class Account:
    """What the vendor holds.

    Attributes:
        messages: queries of the sends that it took, oldest first.
    """

    situation: Situation = Situation.WELL
    messages: list[dict[str, str]] = field(factory=list)
    sends: int = 0

    def react(self, asked: Asked) -> Reaction:
        assert (asked.method, asked.path) == ("GET", "/api/send"), asked.path
        assert not asked.body
        self.sends += 1
        query = asked.query
        assert query.keys() == _PARAMETERS, query.keys() ^ _PARAMETERS
        if self.situation in _REFUSED:
            return _REFUSED[self.situation]
        if query["access_token"] != KEY:
            return _REFUSED[Situation.KEY_REVOKED]
        if query["instance_id"] not in INSTANCES.values():
            return _REFUSED[Situation.BUSY]
        assert query["type"] == "text"
        assert query["number"].isdigit()
        self.messages.append(query)
        if self.situation in _ACCEPTED:
            return _ACCEPTED[self.situation]
        slow = self.situation is Situation.SLOW
        ok = {"status": "success", "message": "Success"}
        return Says(200, ok, after_s=_SLOW_S if slow else 0.0)


@frozen
class InstancesKnown:
    """The adapter, given the suites' parcels with the instances of our phones."""

    inner: WammGateway

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        ref = INSTANCES[parcel.sender_number]
        return await self.inner.send(evolve(parcel, sender_ref=ref), within)


@define(eq=False)
class WammBench:
    """Implements `outreach.testing.gateway.Workbench`."""

    server: FaultServer
    account: Account
    reachable: WammGateway
    unreachable: WammGateway

    @property
    def plain(self) -> WammGateway:
        gone = self.account.situation is Situation.UNREACHABLE
        return self.unreachable if gone else self.reachable

    @property
    def gateway(self) -> InstancesKnown:
        return InstancesKnown(self.plain)

    @property
    def arrivals(self) -> int:
        return self.account.sends

    @property
    def accepted(self) -> list[str]:
        return [message["message"] for message in self.account.messages]

    async def arrange(self, situation: Situation) -> None:
        self.account.situation = situation


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[WammBench]:
    account = Account()
    async with FaultServer(account.react) as server:
        clients = [
            open_client(base_url=f"{url}/api", user_agent="outreach tests")
            for url in (server.url, unused_url())
        ]
        there, nowhere = (WammGateway(one, KEY) for one in clients)
        yield WammBench(server, account, there, nowhere)
        for client in clients:
            await client.aclose()
