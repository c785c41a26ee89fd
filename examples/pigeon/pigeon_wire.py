"""Pigeon Post as its documents describe it, and the adapter put to the test there."""

from __future__ import annotations

import json
from datetime import datetime

from pigeon_post import PigeonReader, PigeonSignatures, opened, sign

from outreach.domain.event import EventType
from outreach.testing.fault_server import Asked, Says
from outreach.testing.gateway import Situation
from outreach.testing.kit import Adapter, over_http
from outreach.testing.webhooks import Deliveries, Sample

SECRETS = ["loft"]


class PigeonWire:
    def __init__(self) -> None:
        self.messages: dict[str, str] = {}
        self.refusals = {
            Situation.NOBODY_THERE: Says(422, {"error": "not_on_whatsapp"}),
            Situation.BUSY: Says(429, {"error": "out_of_pigeons"}),
        }

    @property
    def accepted(self) -> list[str]:
        return list(self.messages.values())

    def is_send(self, asked: Asked) -> bool:
        return (asked.method, asked.path) == ("POST", "/messages")

    def answer(self, asked: Asked) -> Says:
        if asked.headers.get("authorization") != "Bearer crumbs":
            return Says(401, {"error": "who_are_you"})
        if self.is_send(asked):
            message = asked.json()
            self.messages[message["id"]] = message["text"]
            return Says(202, {"message": f"p-{message['id']}"})
        attempt = asked.path.rpartition("/")[2]
        if attempt in self.messages:
            return Says(200, {"message": f"p-{attempt}"})
        return Says(404, {"error": "no_such_message"})


def _body(event: str, kind: str, **more: str) -> bytes:
    told = {"event": event, "type": kind, "phone": "+40731000001", "at": 1_772_000_000}
    return json.dumps({**told, **more}).encode()


def _signed(body: bytes, at: datetime) -> dict[str, str]:
    stamp = str(int(at.timestamp())).encode()
    return {"pigeon-signature": sign(SECRETS[0].encode(), stamp, body).decode()}


DELIVERIES = Deliveries(
    reader=PigeonReader,
    samples=(
        Sample(_body("e1", "delivered", message="p-1"), (EventType.DELIVERED,)),
        Sample(_body("e2", "reply", text="Da"), (EventType.REPLY,)),
        Sample(_body("e3", "moulting"), (EventType.UNKNOWN,)),
    ),
    checks=PigeonSignatures(SECRETS),
    signed=_signed,
)


def adapter() -> Adapter:
    return Adapter(
        name="Pigeon Post",
        bench=lambda: over_http(PigeonWire(), lambda url: opened(url, "crumbs")),
        deliveries=DELIVERIES,
    )
