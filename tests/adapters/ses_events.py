"""One event of each type that SES publishes, in the vendor's documented shapes, for
tests to change.
"""

from __future__ import annotations

import copy
from typing import Any, Final
from uuid import UUID

__all__ = ["AT", "ATTEMPT", "EVENTS", "MAIL", "OURS", "THEIRS", "event", "legacy"]

OURS: Final = "ion@warm.example"
THEIRS: Final = "ana@firma.ro"
AT: Final = "2026-11-20T09:00:00.123Z"
MAIL: Final = "0102019abc000000-49a3999c-0ce1-4ea6-ab68-afcd6dc2e794-000000"
ATTEMPT: Final = UUID("6f8fae72-7e43-5a27-9cbb-1c1f0d8f4a11")

_MAIL: Final[dict[str, Any]] = {
    "timestamp": "2026-11-20T08:59:59.000Z",
    "source": f"Ion Pop <{OURS}>",
    "sourceArn": "arn:aws:ses:eu-west-1:123456789012:identity/warm.example",
    "sendingAccountId": "123456789012",
    "messageId": MAIL,
    "destination": [THEIRS],
    "headersTruncated": False,
    "headers": [{"name": "Subject", "value": "Re: Ofertă"}],
    "commonHeaders": {"from": [OURS], "to": [THEIRS], "messageId": MAIL},
    "tags": {
        "ses:configuration-set": ["outreach-events"],
        "ses:source-ip": ["192.0.2.1"],
        "attempt": [str(ATTEMPT)],
        "intent": [str(UUID(int=7))],
    },
}
_REPORT: Final = "0102019abcd-11111111-2222-3333-4444-555555555555-000000"
_DETAILS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "Send": ("send", {}),
    "Delivery": (
        "delivery",
        {
            "timestamp": AT,
            "processingTimeMillis": 546,
            "recipients": [THEIRS],
            "smtpResponse": "250 ok",
            "reportingMTA": "mta.example",
        },
    ),
    "Bounce": (
        "bounce",
        {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {
                    "emailAddress": THEIRS,
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                }
            ],
            "timestamp": AT,
            "feedbackId": _REPORT,
            "reportingMTA": "dsn; mta.example",
        },
    ),
    "Complaint": (
        "complaint",
        {
            "complainedRecipients": [{"emailAddress": THEIRS}],
            "timestamp": AT,
            "feedbackId": _REPORT,
            "userAgent": "Amazon SES Mailbox Simulator",
            "complaintFeedbackType": "abuse",
            "arrivalDate": AT,
        },
    ),
    "Reject": ("reject", {"reason": "Bad content"}),
    "Rendering Failure": (
        "failure",
        {"errorMessage": "Attribute 'x' is not present.", "templateName": "MyTemplate"},
    ),
    "DeliveryDelay": (
        "deliveryDelay",
        {
            "delayType": "TransientCommunicationFailure",
            "delayedRecipients": [
                {
                    "emailAddress": THEIRS,
                    "status": "4.4.1",
                    "diagnosticCode": "smtp; 421 4.4.1 Unable to connect",
                }
            ],
            "expirationTime": "2026-11-20T20:00:00.000Z",
            "reportingMTA": "mta.example",
            "timestamp": AT,
        },
    ),
    "Open": (
        "open",
        {"ipAddress": "192.0.2.1", "timestamp": AT, "userAgent": "Mozilla/5.0"},
    ),
    "Click": (
        "click",
        {
            "ipAddress": "192.0.2.1",
            "link": "https://agro.example/x",
            "linkTags": None,
            "timestamp": AT,
            "userAgent": "Mozilla/5.0",
        },
    ),
    "Subscription": (
        "subscription",
        {
            "contactList": "ContactListName",
            "timestamp": AT,
            "source": "UnsubscribeHeader",
            "newTopicPreferences": {
                "unsubscribeAll": True,
                "topicSubscriptionStatus": [
                    {"topicName": "ExampleTopic", "subscriptionStatus": "OptOut"}
                ],
            },
            "oldTopicPreferences": {
                "unsubscribeAll": False,
                "topicSubscriptionStatus": [
                    {"topicName": "ExampleTopic", "subscriptionStatus": "OptOut"}
                ],
            },
        },
    ),
}
EVENTS: Final = tuple(_DETAILS)


def event(kind: str, **details: Any) -> dict[str, Any]:
    """As event publishing says it; *details* over those of the type."""
    name, about = _DETAILS[kind]
    whole = {"eventType": kind, "mail": _MAIL, name: {**about, **details}}
    return copy.deepcopy(whole)


def legacy(kind: str, **details: Any) -> dict[str, Any]:
    """The same by the notification of an identity: without tags, and all else alike."""
    whole = event(kind, **details)
    whole["notificationType"] = whole.pop("eventType")
    del whole["mail"]["tags"]
    return whole
