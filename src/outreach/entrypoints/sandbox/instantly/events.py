"""What Instantly's webhooks say, and what a mail of a campaign says."""

from __future__ import annotations

import hashlib
import time

from outreach.entrypoints.sandbox.instantly.campaigns import Campaign
from outreach.entrypoints.sandbox.instantly.leads import Lead
from outreach.entrypoints.sandbox.instantly.paging import zulu
from outreach.entrypoints.sandbox.instantly.store import Email
from outreach.entrypoints.sandbox.journal import Json

__all__ = ["event_body", "first_mail"]


def event_body(
    event_type: str,
    email: Email,
    ours: Email | None,
    campaign: Campaign,
    lead: Lead | None,
) -> Json:
    """Write a webhook about a mail; `ours` is what a reply answers.

    The lead's own data stand beside the vendor's keys, and give way to them.
    """
    sent = ours or email
    place = int((sent.step or "0_0_0").split("_")[1])
    body: Json = {
        **(lead.payload() if lead else {}),
        "timestamp": zulu(time.time()),
        "event_type": event_type,
        "workspace": campaign.organization,
        "campaign_id": campaign.id,
        "campaign_name": campaign.name,
        "lead_email": email.lead,
        "email_account": email.account,
        "unibox_url": None,
        "step": place + 1,
        "variant": 1,
        "is_first": place == 0,
        "email_id": email.id,
    }
    if ours is None:
        return {**body, "email_subject": email.subject, "email_html": email.text}
    return {
        **body,
        "reply_subject": email.subject,
        "reply_text": email.text,
        "reply_html": email.text.replace("\n", "<br/>"),
        "reply_text_snippet": email.text[:100],
    }


def first_mail(campaign: Campaign, asked: Json) -> Json:
    """Give the first mail as it would leave, for whoever judges the log."""
    if not campaign.steps:
        return {"subject": "", "text": "", "sha256": hashlib.sha256(b"").hexdigest()}
    lead = Lead("", "", campaign.id, str(asked["email"]), asked, 0.0, 0.0)
    variant = campaign.steps[0]["variants"][0]
    text = lead.render(variant["body"])
    return {
        "subject": lead.render(variant["subject"]),
        "text": text,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
