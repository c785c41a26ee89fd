"""An Instantly workspace in the sandbox: a campaign as ours are, and ways to it."""

from __future__ import annotations

from typing import Any, Final

import httpx
from tests.adapters.sandbox_in_process import HOOK

__all__ = ["MAILBOX", "a_campaign", "add", "leads", "made", "started", "want"]

MAILBOX: Final = "andrei.pop@hambarul-nou.example"


def a_campaign(**more: Any) -> dict[str, Any]:
    """What is asked for: weekdays from nine to six in Bucharest, our words."""
    schedule = {
        "name": "window",
        "timing": {"from": "09:00", "to": "18:00"},
        "days": {str(day): day in range(1, 6) for day in range(7)},
        "timezone": "Europe/Bucharest",
    }
    variant = {"subject": "{{subject}}", "body": "{{body}}"}
    step = {"type": "email", "delay": 0, "variants": [variant]}
    return {
        "name": "outreach agri 1",
        "campaign_schedule": {"schedules": [schedule]},
        "sequences": [{"steps": [step]}],
        "email_list": [MAILBOX],
        "open_tracking": True,
        "insert_unsubscribe_header": True,
        **more,
    }


def leads(*addresses: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "email": address,
            "company_name": "Ferma",
            "custom_variables": {"subject": "Oferta", "body": f"Bună, {address}"},
            **more,
        }
        for address in addresses
    ]


async def made(client: httpx.AsyncClient, **more: Any) -> str:
    answer = await client.post("/campaigns", json=a_campaign(**more))
    assert answer.status_code == 200, answer.text
    campaign: str = answer.json()["id"]
    return campaign


async def started(client: httpx.AsyncClient, **more: Any) -> str:
    campaign = await made(client, **more)
    answer = await client.post(f"/campaigns/{campaign}/activate")
    assert answer.status_code == 200, answer.text
    return campaign


async def add(
    client: httpx.AsyncClient, campaign: str, *addresses: str, **more: Any
) -> dict[str, Any]:
    body = {"campaign_id": campaign, "leads": leads(*addresses), **more}
    answer = await client.post("/leads/add", json=body)
    assert answer.status_code == 200, answer.text
    counted: dict[str, Any] = answer.json()
    return counted


async def want(client: httpx.AsyncClient, event_type: str, **more: Any) -> str:
    body = {"target_hook_url": HOOK, "event_type": event_type, **more}
    answer = await client.post("/webhooks", json=body)
    assert answer.status_code == 200, answer.text
    hook: str = answer.json()["id"]
    return hook
