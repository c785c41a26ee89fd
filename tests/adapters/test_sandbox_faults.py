"""The sandbox refuses and misleads as set, and keeps the webhooks it is given."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.sandbox_in_process import ACCOUNTS, HOOK, Desk, opened
from tests.vendor_specs import Spec, vendor_spec

PHONE = "+40731000001"


@pytest.fixture
def spec() -> Spec:
    return vendor_spec("timelines_public_api.yaml")


async def test_a_429_says_when_to_come_back(tmp_path: Path, spec: Spec) -> None:
    async with opened(tmp_path, rate_limited=1) as desk:
        answer = await desk.send(PHONE)

        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        spec.check_schema("ErrorResponse", answer.json())
        assert answer.json()["error_code"] == "rate_limit_exceeded"
        assert desk.accepted() == []


async def test_the_vendors_own_rate_limit_lets_a_burst_pass(tmp_path: Path) -> None:
    async with opened(tmp_path, requests_per_s=0.001, burst=3) as desk:
        desk.vendor.behaviour = desk.vendor.behaviour.changed({"requests_per_s": 1e-9})
        statuses = [(await desk.send(PHONE)).status_code for _ in range(3)]

        assert 429 in statuses
        assert "retry-after" not in (await desk.send(PHONE)).headers


@pytest.mark.parametrize(
    ("knobs", "status", "kind"),
    [
        ({"unavailable": 1}, 503, "application/json"),
        ({"edge_refused": 1}, 403, "text/html"),
        ({"revoked_after": 0}, 401, "application/json"),
        ({"messaging_quota": 0}, 403, "application/json"),
        ({"wrong_number": 1}, 400, "application/json"),
    ],
)
async def test_each_refusal_has_its_status_and_accepts_nothing(
    tmp_path: Path, knobs: dict[str, Any], status: int, kind: str
) -> None:
    async with opened(tmp_path, **knobs) as desk:
        answer = await desk.send(PHONE)

        assert answer.status_code == status
        assert answer.headers["content-type"].startswith(kind)
        assert desk.accepted() == []


async def test_a_token_is_revoked_after_so_many_messages(tmp_path: Path) -> None:
    async with opened(tmp_path, revoked_after=1) as desk:
        statuses = [(await desk.send(PHONE)).status_code for _ in range(3)]

        assert statuses == [200, 401, 401]


async def test_the_wrong_sender_is_logged_beside_the_one_asked_for(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, profile="wrong-sender", sure_by=0) as desk:
        desk.vendor.behaviour = desk.vendor.behaviour.changed({"rate_limited": 0})
        uid = await desk.sent_uid("+40731000003")

        line = desk.accepted()[0]
        assert (line["asked"], line["from"]) == ACCOUNTS
        message = (await desk.client.get(f"/messages/{uid}")).json()["data"]
        assert message["sender_phone"] == ACCOUNTS[1]


async def test_without_accounts_every_named_number_is_taken_for_one(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, plan={"accounts": ()}) as desk:
        answer = await desk.send(PHONE, account="+40720000009")

        assert answer.status_code == 200
        accounts = (await desk.client.get("/whatsapp_accounts")).json()["data"]
        assert accounts["whatsapp_accounts"][0]["phone"] == "+40720000009"


async def test_registering_the_same_webhook_twice_makes_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        body = {"event_type": "message:new", "url": HOOK}
        first = (await desk.client.post("/webhooks", json=body)).json()["data"]
        await desk.client.put(f"/webhooks/{first['id']}", json={"enabled": False})

        again = (await desk.client.post("/webhooks", json=body)).json()["data"]
        await desk.client.delete(f"/webhooks/{first['id']}")
        restored = (await desk.client.post("/webhooks", json=body)).json()["data"]

        assert again == restored == first
        assert (await desk.client.get("/webhooks")).json()["data"] == [first]


async def test_the_eleventh_webhook_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        bodies = [
            {"event_type": "message:new", "url": f"{HOOK}/{n}"} for n in range(11)
        ]
        answers = [await desk.client.post("/webhooks", json=body) for body in bodies]

        assert [a.status_code for a in answers] == [200] * 10 + [400]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "hook"),
        ("url", "ftp://127.0.0.1/"),
        ("url", "http://[::1"),
        ("url", "http://127.0.0.1/a b"),
        ("url", "https://outreach.example.com/hook"),
        ("url", "http://10.0.0.1/hook"),
        ("url", 7),
        ("event_type", "message:edited"),
        ("enabled", "yes"),
    ],
)
async def test_a_bad_webhook_is_refused_with_the_field_at_fault(
    tmp_path: Path, spec: Spec, field: str, value: object
) -> None:
    async with opened(tmp_path) as desk:
        body = {"event_type": "message:new", "url": HOOK, field: value}
        answer = await desk.client.post("/webhooks", json=body)

        assert answer.json()["errors"][0]["fields"] == [field]
        spec.check_answer("POST", "/webhooks", answer.status_code, answer.json())


async def test_a_hand_may_move_the_world(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        root = "http://sandbox.invalid/_sandbox"
        body = {"account": ACCOUNTS[0], "phone": PHONE, "text": "STOP"}
        said = await desk.client.post(f"{root}/say", json=body)
        wrote = await desk.client.post(f"{root}/write-by-hand", json=body)
        knob = await desk.client.post(f"{root}/behaviour", json={"rate_limited": 2})

        assert said.json()["data"]["chat_id"] == wrote.json()["data"]["chat_id"]
        assert knob.status_code == 400
        assert (await desk.client.get(f"{root}/state")).json()["data"]["accepted"] == 0
        for path, wrong in (
            ("say", {**body, "text": 7}),
            ("say", {**body, "phone": "0731"}),
            ("account", {**body, "status": "banned"}),
            ("account", {"account": "+40799999999"}),
        ):
            refused = await desk.client.post(f"{root}/{path}", json=wrong)
            assert refused.status_code in {400, 404}
        assert await _origins(desk) == ["synced from WhatsApp"] * 2


async def _origins(desk: Desk) -> list[str]:
    await asyncio.sleep(0)
    chat = next(iter(desk.vendor.world.chats))
    history = await desk.client.get(f"/chats/{chat}/messages")
    return [one["origin"] for one in history.json()["data"]["messages"]]
