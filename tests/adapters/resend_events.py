"""One delivery of each type in the vendor's contract, for tests to change."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, Final

__all__ = ["AT", "EVENTS", "MAIL", "OURS", "THEIRS", "body", "raw_of", "signed"]

OURS: Final = "ion@warm.example"
THEIRS: Final = "ana@firma.ro"
AT: Final = "2026-11-20T09:00:00.123Z"
MAIL: Final = "56761188-7520-42d8-8898-ff6fc54ce618"

_SENT: Final[dict[str, Any]] = {
    "email_id": MAIL,
    "created_at": "2026-11-20T08:59:59.000Z",
    "from": f"Ion Pop <{OURS}>",
    "to": [THEIRS],
    "subject": "Ofertă",
    "tags": {"attempt": "a"},
}
_CONTACT: Final[dict[str, Any]] = {
    "id": "e169aa45-1ecf-4183-9955-b1499d5701d3",
    "created_at": AT,
    "updated_at": AT,
    "email": THEIRS,
    "unsubscribed": False,
}
_DOMAIN: Final[dict[str, Any]] = {
    "id": "d91cd9bd-1176-453e-8fc1-35364d380206",
    "name": "warm.example",
    "status": "failed",
    "created_at": AT,
    "region": "eu-west-1",
    "records": [],
}
_DETAILS: Final[dict[str, dict[str, Any]]] = {
    "email.bounced": {
        "bounce": {
            "type": "Permanent",
            "subType": "NoEmail",
            "message": "The recipient's address does not exist.",
            "diagnosticCode": ["smtp; 550 5.1.1 user unknown"],
        }
    },
    "email.clicked": {
        "click": {
            "ipAddress": "192.0.2.1",
            "link": "https://agro.example/x",
            "timestamp": AT,
            "userAgent": "Mozilla/5.0",
        }
    },
    "email.failed": {"failed": {"reason": "reached_daily_quota"}},
    "email.suppressed": {
        "suppressed": {
            "reason": "previous_bounce",
            "type": "OnAccountSuppressionList",
            "message": "Suppressed.",
            "diagnosticCode": [],
        }
    },
}
_RECEIVED: Final[dict[str, Any]] = {
    "email_id": MAIL,
    "created_at": AT,
    "from": f"Ana <{THEIRS}>",
    "to": [OURS],
    "bcc": [],
    "cc": [],
    "subject": "Re: Ofertă",
    "message_id": "<x@firma.ro>",
    "attachments": [],
}
_MAILS: Final = (
    *("sent", "scheduled", "delivered", "delivery_delayed", "bounced", "complained"),
    *("opened", "clicked", "failed", "suppressed"),
)

EVENTS: Final[dict[str, dict[str, Any]]] = {
    **{f"email.{word}": _SENT | _DETAILS.get(f"email.{word}", {}) for word in _MAILS},
    "email.received": _RECEIVED,
    **{f"contact.{word}": _CONTACT for word in ("created", "updated", "deleted")},
    **{f"domain.{word}": _DOMAIN for word in ("created", "updated", "deleted")},
}
"""`data` by type."""


def body(word: str, **changes: object) -> dict[str, Any]:
    """A delivery of that type; *changes* are of its `data`."""
    return {"type": word, "created_at": AT, "data": {**EVENTS[word], **changes}}


def signed(
    raw: bytes, secret: str, stamp: int, *, ref: str = "msg_1", version: str = "v1"
) -> dict[str, str]:
    """Headers of a delivery, signed by hand."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    head = f"{ref}.{stamp}.".encode()
    mac = base64.b64encode(hmac.digest(key, head + raw, hashlib.sha256)).decode()
    return {
        "svix-id": ref,
        "svix-timestamp": str(stamp),
        "svix-signature": f"{version},{mac}",
    }


def raw_of(word: str, **changes: object) -> bytes:
    """The bytes of a delivery."""
    return json.dumps(body(word, **changes)).encode()
