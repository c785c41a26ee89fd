"""Deliveries of the three gateways, as their sources and descriptions have them."""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = [
    "AT",
    "LID",
    "OURS",
    "THEIRS",
    "UID",
    "api",
    "evolution",
    "evolution_message",
    "evolution_update",
    "kept",
    "lock",
    "message",
    "raw",
    "update",
    "upsert",
    "waha",
    "waha_ack",
    "waha_message",
]

Body = dict[str, Any]

OURS: Final = "+40720000001"
THEIRS: Final = "+40731000001"
JID: Final = "40731000001@s.whatsapp.net"
LID: Final = "987654321@lid"
UID: Final = "3EB0A1B2C3D4E5F60718"
AT: Final = 1_795_165_200
STAMP: Final = "2026-11-20T09:00:00+00:00"
_NAMES: Final = ("ERROR", "PENDING", "SERVER", "DEVICE", "READ", "PLAYED")


def raw(body: object) -> bytes:
    return json.dumps(body).encode()


# --- baileys-api


def kept(body: Body, *, phone: str = OURS, at: str = STAMP) -> Body:
    """As it is stored."""
    return {**body, "outreach": {"phone": phone, "at": at}}


def api(event: str, data: object, **more: object) -> Body:
    """As it comes in."""
    return {"event": event, "data": data, "webhookVerifyToken": "a3f4b2c1", **more}


def message(text: str = "Da, mulțumesc 👍", **key: object) -> Body:
    return {
        "key": {"remoteJid": JID, "fromMe": False, "id": UID, **key},
        "message": {"conversation": text},
        "messageTimestamp": AT,
        "pushName": "B",
    }


def upsert(*messages: Body, kind: str = "notify", **more: object) -> Body:
    told = messages or (message(),)
    return kept(api("messages.upsert", {"type": kind, "messages": list(told), **more}))


def update(status: object, *codes: str, **key: object) -> Body:
    changed: Body = {"status": status}
    changed |= {"messageStubParameters": list(codes)} if codes else {}
    item = {"key": {"remoteJid": JID, "fromMe": True, "id": UID, **key}}
    return kept(api("messages.update", [{**item, "update": changed}]))


def lock(**state: object) -> Body:
    told = {"isActive": True, "enforcementType": "BIZ_COMMERCE", **state}
    return kept(api("connection.update", {"reachoutTimeLock": told}))


# --- WAHA


def waha(event: str, payload: Body, **more: object) -> Body:
    return {
        "id": "evt_01aaaaaaaaaaaaaaaaaaaaaaaa",
        "timestamp": AT * 1000,
        "event": event,
        "session": OURS[1:],
        "engine": "NOWEB",
        "me": {"id": f"{OURS[1:]}@c.us", "pushName": "Firma"},
        "payload": payload,
        "environment": {
            "version": "2026.7.1",
            "engine": "NOWEB",
            "tier": "CORE",
            "browser": "",
            "platform": "linux/x64",
            "worker": {"id": "w"},
        },
        **more,
    }


def waha_message(event: str = "message", **more: object) -> Body:
    payload = {
        "id": f"false_{THEIRS[1:]}@c.us_{UID}",
        "timestamp": AT,
        "from": f"{THEIRS[1:]}@c.us",
        "fromMe": False,
        "source": "app",
        "to": f"{OURS[1:]}@c.us",
        "participant": "",
        "body": "Da, mulțumesc 👍",
        "hasMedia": False,
        "mediaUrl": "",
        "ack": 1,
        "ackName": "SERVER",
        "_data": {},
        **more,
    }
    return waha(event, payload)


def waha_ack(ack: int, **more: object) -> Body:
    payload = {
        "id": f"true_{THEIRS[1:]}@c.us_{UID}",
        "from": f"{THEIRS[1:]}@c.us",
        "to": f"{OURS[1:]}@c.us",
        "participant": "",
        "fromMe": True,
        "ack": ack,
        "ackName": _NAMES[ack + 1] if -1 <= ack < len(_NAMES) - 1 else "?",
        **more,
    }
    return waha("message.ack", payload)


# --- Evolution


def evolution(event: str, data: object, **more: object) -> Body:
    return {
        "event": event,
        "instance": OURS[1:],
        "data": data,
        "destination": "https://outreach.example/webhooks/baileys",
        "date_time": "2026-11-20T11:00:00.000Z",
        "sender": f"{OURS[1:]}@s.whatsapp.net",
        "server_url": "http://127.0.0.1:8080",
        "apikey": "an-instance-token",
        **more,
    }


def evolution_message(
    event: str = "messages.upsert", text: str = "Da, mulțumesc 👍", **key: object
) -> Body:
    data = {
        **message(text, **key),
        "messageType": "conversation",
        "status": "DELIVERY_ACK",
        "instanceId": "421a4121",
        "source": "android",
    }
    return evolution(event, data)


def evolution_update(status: object, **more: object) -> Body:
    data = {
        "keyId": UID,
        "remoteJid": LID,
        "fromMe": True,
        "status": status,
        "instanceId": "421a4121",
        **more,
    }
    return evolution("messages.update", data)
