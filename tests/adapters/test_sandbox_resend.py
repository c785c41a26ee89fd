"""The sandbox speaks Resend's wire: by the vendor's file, and by its documentation."""

from __future__ import annotations

import asyncio
import collections
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import svix
from tests.adapters.sandbox_in_process import HOOK, Desk, opened
from tests.vendor_specs import Spec, vendor_spec

MAIL: Final[dict[str, Any]] = {
    "from": "Andrei <andrei@hambarul-nou.example>",
    "to": ["ion@ferma.example"],
    "subject": "Oferta",
    "text": "Bună ziua",
    "reply_to": "andrei@hambarul-nou.example",
    "headers": {"X-Attempt": "7"},
    "tags": [{"name": "attempt", "value": "a-7"}],
}
ALL: Final = (
    "email.sent",
    "email.delivered",
    "email.bounced",
    "email.opened",
    "email.complained",
    "email.suppressed",
    "email.scheduled",
    "email.received",
)
LIVELY: Final[dict[str, Any]] = {
    "resend_requests_per_s": 0,
    "warm_mail_reply": 0.5,
    "mail_opened": 0.5,
    "mail_complained": 0.2,
    "mail_bounced": 0.2,
    "mail_soft_bounced": 0.1,
    "mail_out_of_office": 0.1,
}


@pytest.fixture
def spec() -> Spec:
    return vendor_spec("resend.yaml")


def mail(to: str, **more: Any) -> dict[str, Any]:
    return {**MAIL, "to": to, **more}


async def want(client: httpx.AsyncClient, *events: str) -> str:
    """Register for events, and give the secret."""
    body = {"endpoint": HOOK, "events": list(events)}
    answer = await client.post("/webhooks", json=body)
    assert answer.status_code == 201, answer.text
    secret: str = answer.json()["signing_secret"]
    return secret


async def send(client: httpx.AsyncClient, **more: Any) -> str:
    answer = await client.post("/emails", json={**MAIL, **more})
    assert answer.status_code == 200, answer.text
    made: str = answer.json()["id"]
    return made


async def test_every_answer_is_as_the_vendor_describes(
    tmp_path: Path, spec: Spec
) -> None:
    async with opened(tmp_path, **LIVELY) as desk, desk.at("/resend") as client:
        await want(client, *ALL)
        for number in range(40):
            spec.check_request("POST", "/emails", mail(f"a{number}@ferma.example"))
            await send(client, to=f"a{number}@ferma.example")
        batch = [mail(f"b{number}@ferma.example") for number in range(3)]
        many = await client.post("/emails/batch", json=batch)
        late = await send(client, scheduled_at="2058-01-01T00:00:00Z")
        spec.check_answer("POST", "/emails/batch", 200, many.json())
        canceled = await client.post(f"/emails/{late}/cancel")
        spec.check_answer("POST", "/emails/{email_id}/cancel", 200, canceled.json())
        await desk.settled()
        listed = await client.post("/suppressions", json={"email": "x@ferma.example"})
        spec.check_answer("POST", "/suppressions", 201, listed.json())
        more = {"emails": ["y@ferma.example"]}
        several = await client.post("/suppressions/batch/add", json=more)
        spec.check_answer("POST", "/suppressions/batch/add", 201, several.json())
        shelf = desk.vendor.resend.shelf
        hook = next(iter(desk.vendor.resend.hooks.live))
        reply = next(iter(shelf.received))
        domain = (await client.get("/domains")).json()["data"][0]["id"]
        paths = {
            "/emails": "/emails?limit=100",
            "/emails/{email_id}": f"/emails/{late}",
            "/emails/receiving": "/emails/receiving?limit=100",
            "/emails/receiving/{email_id}": f"/emails/receiving/{reply}",
            "/domains": "/domains",
            "/domains/{domain_id}": f"/domains/{domain}",
            "/suppressions": "/suppressions?limit=100",
            "/suppressions/{suppression}": "/suppressions/x@ferma.example",
            "/webhooks": "/webhooks",
            "/webhooks/{webhook_id}": f"/webhooks/{hook}",
        }

        for path, url in paths.items():
            answer = await client.get(url)

            spec.check_answer("GET", path, answer.status_code, answer.json())
            assert answer.json().get("data", True), path

        changed = await client.patch(f"/webhooks/{hook}", json={"status": "disabled"})
        spec.check_answer("PATCH", "/webhooks/{webhook_id}", 200, changed.json())
        gone = await client.delete(f"/webhooks/{hook}")
        spec.check_answer("DELETE", "/webhooks/{webhook_id}", 200, gone.json())
        freed = await client.delete("/suppressions/x@ferma.example")
        spec.check_answer("DELETE", "/suppressions/{suppression}", 200, freed.json())


async def test_every_webhook_is_as_the_vendor_describes_and_signed_as_svix_signs(
    tmp_path: Path, spec: Spec
) -> None:
    async with opened(tmp_path, **LIVELY) as desk, desk.at("/resend") as client:
        secret = await want(client, *ALL)
        for number in range(60):
            await send(client, to=f"a{number}@ferma.example")
        await send(client, scheduled_at="2026-01-01T00:00:00Z")
        await desk.settled()
        dead = next(iter(desk.vendor.resend.shelf.suppressions))
        await send(client, to=dead)
        await desk.settled()

        assert {body["type"] for body in desk.posted} == set(ALL)
        for body in desk.posted:
            spec.check_webhook(body["type"], body)
        judge = svix.Webhook(secret)
        for request in desk.requests:
            judge.verify(request.content, dict(request.headers))
        ids = [request.headers["svix-id"] for request in desk.requests]
        assert len(set(ids)) == len(ids) > 100
        sent = next(body for body in desk.posted if body["type"] == "email.sent")
        assert sent["data"]["tags"] == {"attempt": "a-7"}


async def test_a_signature_does_not_fit_another_body(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, desk.at("/resend") as client:
        secret = await want(client, "email.sent")
        await send(client)
        await desk.settled()

        request = desk.requests[0]

        with pytest.raises(svix.WebhookVerificationError):
            svix.Webhook(secret).verify(request.content + b" ", dict(request.headers))


async def test_a_received_mail_has_its_words_only_where_it_is_fetched(
    tmp_path: Path,
) -> None:
    async with (
        opened(tmp_path, warm_mail_reply=1, replies={"interested": 1}) as desk,
        desk.at("/resend") as client,
    ):
        await want(client, "email.received")
        made = await send(client)
        await desk.settled()

        data = desk.posted[0]["data"]
        fetched = (await client.get(f"/emails/receiving/{data['email_id']}")).json()
        ours = (await client.get(f"/emails/{made}")).json()

        assert "text" not in data
        assert fetched["text"]
        assert fetched["from"] == "ion@ferma.example"
        assert fetched["to"] == ["andrei@hambarul-nou.example"]
        assert fetched["headers"]["in-reply-to"] == ours["message_id"]
        assert fetched["subject"] == "Re: Oferta"


async def test_the_same_key_with_the_same_mail_is_sent_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, desk.at("/resend") as client:
        headers = {"idempotency-key": "attempt-1"}

        first = await client.post("/emails", json=MAIL, headers=headers)
        again = await client.post("/emails", json=MAIL, headers=headers)
        other = await client.post(
            "/emails", json={**MAIL, "subject": "Alta"}, headers=headers
        )

        assert first.json() == again.json()
        assert len(desk.accepted()) == 1
        assert (other.status_code, other.json()["name"]) == (
            409,
            "invalid_idempotent_request",
        )


async def test_a_batch_repeats_under_its_key_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, desk.at("/resend") as client:
        headers = {"idempotency-key": "batch-1"}
        batch = [mail(f"b{number}@ferma.example") for number in range(3)]

        first = await client.post("/emails/batch", json=batch, headers=headers)
        again = await client.post("/emails/batch", json=batch, headers=headers)

        assert first.json() == again.json()
        assert len({one["id"] for one in first.json()["data"]}) == 3
        assert len(desk.accepted()) == 3


async def test_the_key_of_a_request_under_way_is_refused_for_now(
    tmp_path: Path,
) -> None:
    async with (
        opened(tmp_path, slow=1, slow_longest_s=0.3) as desk,
        desk.at("/resend") as client,
    ):
        headers = {"idempotency-key": "attempt-1"}

        answers = await asyncio.gather(
            *(client.post("/emails", json=MAIL, headers=headers) for _ in range(2))
        )

        assert sorted(answer.status_code for answer in answers) == [200, 409]
        names = [answer.json().get("name") for answer in answers]
        assert "concurrent_idempotent_requests" in names
        assert len(desk.accepted()) == 1


async def test_a_lost_answer_is_found_again_by_its_key(tmp_path: Path) -> None:
    async with opened(tmp_path, lost_after=1) as desk, desk.at("/resend") as client:
        headers = {"idempotency-key": "attempt-1"}
        with pytest.raises(ConnectionResetError):
            await client.post("/emails", json=MAIL, headers=headers)
        desk.vendor.behaviour = desk.vendor.behaviour.changed({"lost_after": 0})

        again = await client.post("/emails", json=MAIL, headers=headers)

        lines = desk.accepted()
        assert [line["answer"] for line in lines] == ["lost"]
        assert again.json() == {"id": lines[0]["message_uid"]}
        assert (lines[0]["wire"], lines[0]["kind"]) == ("resend", "emails")


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"to": None}, 422, "missing_required_field"),
        ({"subject": ""}, 422, "missing_required_field"),
        ({"text": None}, 422, "missing_required_field"),
        ({"from": "andrei"}, 422, "invalid_from_address"),
        ({"to": "ion"}, 422, "validation_error"),
        ({"to": [f"a{n}@b.example" for n in range(51)]}, 422, "validation_error"),
        ({"tags": [{"name": "a b", "value": "c"}]}, 422, "validation_error"),
        ({"scheduled_at": "tomorrow"}, 422, "validation_error"),
    ],
)
async def test_a_wrong_mail_is_refused_by_name_and_not_accepted(
    tmp_path: Path, change: dict[str, Any], status: int, name: str
) -> None:
    async with opened(tmp_path) as desk, desk.at("/resend") as client:
        answer = await client.post("/emails", json={**MAIL, **change})

        assert (answer.status_code, answer.json()["name"]) == (status, name)
        assert answer.json()["statusCode"] == status
        assert answer.json()["message"]
        assert desk.accepted() == []


async def test_mail_leaves_from_verified_domains_only(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, plan={"domains": ("other.example",)}) as desk,
        desk.at("/resend") as client,
    ):
        refused = await client.post("/emails", json=MAIL)
        sent = await client.post("/emails", json={**MAIL, "from": "a@other.example"})

        assert (refused.status_code, sent.status_code) == (403, 200)
        assert refused.json()["name"] == "validation_error"
        assert len(desk.accepted()) == 1


async def test_a_batch_is_all_or_nothing_unless_it_says_otherwise(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk, desk.at("/resend") as client:
        batch = [mail("b@ferma.example"), mail("")]

        strict = await client.post("/emails/batch", json=batch)
        permissive = await client.post(
            "/emails/batch", json=batch, headers={"x-batch-validation": "permissive"}
        )

        assert strict.status_code == 422
        assert len(permissive.json()["data"]) == 1
        assert permissive.json()["errors"][0]["index"] == 1
        assert len(desk.accepted()) == 1


async def test_above_the_limit_a_request_is_refused_with_when_to_come_again(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk, desk.at("/resend") as client:
        answers = [await client.get("/emails") for _ in range(20)]

        statuses = collections.Counter(answer.status_code for answer in answers)
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert statuses[200] <= 10
        assert refused.json()["name"] == "rate_limit_exceeded"
        assert refused.headers["retry-after"] == "1"
        assert answers[0].headers["ratelimit-limit"] == "5"
        assert answers[0].headers["ratelimit-remaining"] == "4"
        assert desk.events("429")[0]["wire"] == "resend"


@pytest.mark.parametrize(
    ("header", "status", "name"),
    [("", 401, "missing_api_key"), ("Bearer x", 403, "invalid_api_key")],
)
async def test_a_request_without_the_key_is_refused(
    tmp_path: Path, header: str, status: int, name: str
) -> None:
    async with opened(tmp_path) as desk, desk.at("/resend") as client:
        answer = await client.get("/emails", headers={"authorization": header})

        assert (answer.status_code, answer.json()["name"]) == (status, name)


async def test_an_unknown_path_or_mail_is_not_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, desk.at("/resend") as client:
        for path in (
            "/nothing",
            "/emails/none",
            "/webhooks/none",
            "/emails/receiving/x",
        ):
            answer = await client.get(path)

            assert (answer.status_code, answer.json()["name"]) == (404, "not_found")


async def test_a_canceled_mail_never_leaves(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, resend_requests_per_s=0) as desk,
        desk.at("/resend") as client,
    ):
        await want(client, *ALL)
        late = await send(client, scheduled_at="2058-01-01T00:00:00Z")

        canceled = await client.post(f"/emails/{late}/cancel")
        again = await client.post(f"/emails/{late}/cancel")
        sent = await send(client)
        refused = await client.post(f"/emails/{sent}/cancel")

        await desk.settled()
        assert canceled.json()["last_event"] == "canceled"
        assert (again.status_code, refused.status_code) == (200, 422)
        left = [line["mail"] for line in desk.events("left")]
        assert left == [sent]


async def test_a_dead_address_is_suppressed_and_gets_nothing_more(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk, desk.at("/resend") as client:
        await want(client, *ALL)
        for _ in range(2):
            await send(client, to="bounce@ferma.example")
            await desk.settled()

        types = [body["type"] for body in desk.posted]
        assert types == ["email.sent", "email.bounced", "email.suppressed"]
        bounce = desk.posted[1]["data"]["bounce"]
        assert (bounce["type"], bounce["subType"]) == ("Permanent", "NoEmail")
        assert desk.posted[2]["data"]["suppressed"]["reason"] == "previous_bounce"


async def test_lists_come_newest_first_in_pages(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, resend_requests_per_s=0) as desk,
        desk.at("/resend") as client,
    ):
        made = [await send(client, to=f"a{n}@ferma.example") for n in range(45)]
        found: list[str] = []
        cursor = ""
        while True:
            answer = (await client.get(f"/emails?limit=20{cursor}")).json()
            found += [one["id"] for one in answer["data"]]
            if not answer["has_more"]:
                break
            cursor = f"&after={found[-1]}"

        before = (await client.get(f"/emails?limit=2&before={found[4]}")).json()

        assert found == made[::-1]
        assert [one["id"] for one in before["data"]] == found[2:4]
        assert (await client.get("/emails?limit=101")).status_code == 422


async def test_a_receiver_that_fails_is_tried_for_a_day_with_the_same_id(
    tmp_path: Path,
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        return httpx.Response(500)

    async with (
        opened(tmp_path, receive=fail, webhook_disabled_after=2) as desk,
        desk.at("/resend") as client,
    ):
        await want(client, "email.sent")
        await send(client)
        await desk.settled()
        once = (await client.get("/webhooks")).json()["data"][0]["status"]
        await send(client)
        await desk.settled()

        tries = desk.events("webhook")
        assert [line["attempt"] for line in tries] == [*range(1, 9)] * 2
        assert [line["again_s"] for line in tries[:3]] == [5, 300, 1800]
        assert len({request.headers["svix-id"] for request in desk.requests}) == 2
        assert once == "enabled"
        shown = (await client.get("/webhooks")).json()["data"][0]
        assert shown["status"] == "disabled"


async def test_of_warm_mails_one_in_eight_is_answered(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, profile="clear-line", resend_requests_per_s=0) as desk,
        desk.at("/resend") as client,
    ):
        for number in range(400):
            await send(client, to=f"om{number}@ferma.example")
        await desk.settled()

        replies = desk.events("mail_reply")
        people = {
            line["sender"] for line in replies if line["reply"] != "out_of_office"
        }
        assert 0.09 < len(people) / 400 < 0.17


async def _lived(desk: Desk, client: httpx.AsyncClient, order: list[int]) -> set[Any]:
    for number in order:
        await send(client, to=f"om{number}@ferma.example")
    await desk.settled()
    replies = {(e["sender"], e["text"]) for e in desk.events("mail_reply")}
    things = {(e["to"], e["what"]) for e in desk.events("letter")}
    return replies | things


async def test_the_same_seed_is_the_same_readers_in_any_order(tmp_path: Path) -> None:
    lived = []
    for name, order in (("a", [*range(60)]), ("b", [*range(60)][::-1])):
        async with (
            opened(
                tmp_path / name,
                profile="clear-line",
                resend_requests_per_s=0,
                # a date of return depends on the day
                mail_out_of_office=0,
                replies={"interested": 1, "angry": 1},
            ) as desk,
            desk.at("/resend") as client,
        ):
            lived.append(await _lived(desk, client, order))

    assert lived[0] == lived[1]
    assert len(lived[0]) > 60


async def test_a_restart_goes_on_with_mails_keys_and_hooks(tmp_path: Path) -> None:
    headers = {"idempotency-key": "attempt-1"}
    async with opened(tmp_path) as desk, desk.at("/resend") as client:
        await want(client, "email.sent")
        first = await client.post("/emails", json=MAIL, headers=headers)
        late = await send(client, scheduled_at="2058-01-01T00:00:00Z")
        await desk.settled()
        before = (await client.get("/emails")).json()

    async with opened(tmp_path) as desk, desk.at("/resend") as client:
        again = await client.post("/emails", json=MAIL, headers=headers)
        after = (await client.get("/emails")).json()
        hooks = (await client.get("/webhooks")).json()["data"]
        await desk.settled()

        assert again.json() == first.json()
        assert after == before
        assert len(hooks) == 1
        # The clock of this test is decades on within a second: it leaves, once.
        left = [line["mail"] for line in desk.events("left")]
        assert left.count(first.json()["id"]) == 1
        assert left.count(late) == 1
        assert len(desk.accepted()) == 2


async def test_webhooks_come_twice_and_late_under_the_same_id(tmp_path: Path) -> None:
    async with (
        opened(
            tmp_path,
            plan={"speed": 1e5},
            resend_requests_per_s=0,
            webhook_repeated=1,
            webhook_late=0.5,
        ) as desk,
        desk.at("/resend") as client,
    ):
        await want(client, "email.sent", "email.delivered")
        for number in range(20):
            await send(client, to=f"a{number}@ferma.example")
        await desk.settled()

        ids = collections.Counter(r.headers["svix-id"] for r in desk.requests)
        bodies = {(r.headers["svix-id"], r.content) for r in desk.requests}
        first: dict[str, str] = {}
        for body in desk.posted:
            first.setdefault(body["data"]["to"][0], body["type"])
        assert len(ids) == len(bodies) == 40
        assert min(ids.values()) > 1
        assert set(first.values()) == {"email.sent", "email.delivered"}
