"""One event of each type in the vendor's documents, and a key that signs deliveries."""

from __future__ import annotations

import base64
import json
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = [
    "ATTEMPT",
    "EVENTS",
    "HEADER",
    "KEY",
    "MAIL",
    "OTHER",
    "OTHER_KEY",
    "SIGNS",
    "STAMP",
    "THEIRS",
    "event",
    "public_key",
    "raw_of",
    "signed",
]

THEIRS: Final = "ana@firma.ro"
MAIL: Final = "14c5d75ce93-dfd_64b469"
STAMP: Final = 1_795_165_200
"""2026-11-20T09:00:00Z."""
ATTEMPT: Final = str(UUID(int=0xA7C3))
HEADER: Final = "x-twilio-email-event-webhook-"
SIGNS: Final = ec.derive_private_key(20_261_120, ec.SECP256R1())
OTHER: Final = ec.derive_private_key(20_261_121, ec.SECP256R1())

_DETAILS: Final[dict[str, dict[str, Any]]] = {
    "processed": {},
    "deferred": {"response": "400 try again later", "attempt": "5"},
    "delivered": {"response": "250 OK", "ip": "192.0.2.7", "tls": 1},
    "open": {"useragent": "Mozilla/5.0", "ip": "192.0.2.1", "sg_machine_open": False},
    "click": {"url": "https://agro.example/x", "useragent": "x", "ip": "192.0.2.1"},
    "bounce": {
        "type": "bounce",
        "reason": "550 5.1.1 user unknown",
        "status": "5.1.1",
        "bounce_classification": "Invalid Address",
    },
    "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
    "spamreport": {},
    "unsubscribe": {},
    "group_unsubscribe": {"asm_group_id": 10, "useragent": "x", "ip": "192.0.2.1"},
    "group_resubscribe": {"asm_group_id": 10, "useragent": "x", "ip": "192.0.2.1"},
}
EVENTS: Final = tuple(_DETAILS)


def event(word: str, **changes: object) -> dict[str, Any]:
    """An event of that type, as a delivery holds it."""
    return {
        "email": THEIRS,
        "timestamp": STAMP,
        "smtp-id": f"<{MAIL}@ismtpd-555>",
        "event": word,
        "category": ["cat facts"],
        "sg_event_id": f"{word}-qK1MxfAaE_ukyyNsjxTpkw",
        "sg_message_id": f"{MAIL}.recvd-5f9ffdf494-9kc6l-1-673C6EB0-B.0",
        "outreach_attempt": ATTEMPT,
        "outreach_intent": str(UUID(int=8)),
        **_DETAILS[word],
        **changes,
    }


def raw_of(*events: dict[str, Any]) -> bytes:
    """The bytes of a delivery, with the line end that the vendor writes after it."""
    return json.dumps(events, separators=(",", ":")).encode() + b"\r\n"


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    """As the vendor shows it."""
    public = key.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


KEY: Final = public_key(SIGNS)
OTHER_KEY: Final = public_key(OTHER)


def signed(
    raw: bytes, stamp: int = STAMP, by: ec.EllipticCurvePrivateKey = SIGNS
) -> dict[str, str]:
    """Headers of a delivery."""
    made = by.sign(str(stamp).encode() + raw, ec.ECDSA(hashes.SHA256()))
    return {
        f"{HEADER}signature": base64.b64encode(made).decode(),
        f"{HEADER}timestamp": str(stamp),
    }
