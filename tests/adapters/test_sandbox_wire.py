"""The sandbox speaks the vendor's wire, by the vendor's own description of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.sandbox_in_process import ACCOUNTS, HOOK, opened
from tests.vendor_specs import Spec, vendor_spec

from outreach.entrypoints.sandbox.world import clean_phone

PHONE = "+40731000001"


@pytest.fixture
def spec() -> Spec:
    return vendor_spec("timelines_public_api.yaml")


def test_the_judge_refuses_a_wrong_type_and_a_field_the_vendor_does_not_name(
    spec: Spec,
) -> None:
    good = {"status": "ok", "data": {"message_uid": "x"}}
    spec.check_answer("POST", "/messages", 200, good)

    for data in ({"message_uid": 7}, {}, {"message_uid": "x", "chat_id": 1}):
        with pytest.raises(AssertionError, match="data"):
            spec.check_answer("POST", "/messages", 200, {**good, "data": data})


def test_without_the_vendors_files_a_test_is_skipped_but_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OUTREACH_TEST_VENDOR_SPECS", raising=False)

    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="OUTREACH_TEST_VENDOR_SPECS"):
        vendor_spec("timelines_public_api.yaml")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="OUTREACH_TEST_VENDOR_SPECS"):
        vendor_spec("timelines_public_api.yaml")


async def test_every_answer_that_reads_is_as_the_vendor_describes(
    tmp_path: Path, spec: Spec
) -> None:
    async with opened(tmp_path, profile="clear-line", reply_to_first=1) as desk:
        replies = {"media": 1, "interested": 1}
        desk.vendor.behaviour = desk.vendor.behaviour.changed({"replies": replies})
        uids = [await desk.sent_uid(f"+4073100{n:04d}") for n in range(60)]
        await desk.settled()
        chat_id = desk.accepted()[0]["chat_id"]
        paths = {
            "/messages/{message_uid}": f"/messages/{uids[0]}",
            "/messages/{message_uid}/status_history": f"/messages/{uids[0]}"
            "/status_history",
            "/chats": "/chats?with_msg=true",
            "/chats/{chat_id}": f"/chats/{chat_id}",
            "/chats/{chat_id}/messages": f"/chats/{chat_id}/messages",
            "/whatsapp_accounts": "/whatsapp_accounts",
            "/workspace": "/workspace",
            "/webhooks": "/webhooks",
        }

        for path, url in paths.items():
            answer = await desk.client.get(url)

            spec.check_answer("GET", path, answer.status_code, answer.json())
        for chat in desk.vendor.world.chats:
            history = await desk.client.get(f"/chats/{chat}/messages")
            spec.check_schema("MessageListResponse", history.json())


async def test_every_answer_that_writes_is_as_the_vendor_describes(
    tmp_path: Path, spec: Spec
) -> None:
    async with opened(tmp_path) as desk:
        request = {"phone": PHONE, "text": "Salut", "whatsapp_account_phone": "x"}
        spec.check_request("POST", "/messages", request)
        hook = {"event_type": "message:new", "url": HOOK}
        spec.check_request("POST", "/webhooks", hook)

        sent = await desk.send(PHONE)
        chat_id = desk.accepted()[0]["chat_id"]
        again = await desk.client.post(f"/chats/{chat_id}/messages", json={"text": "?"})
        made = await desk.client.post("/webhooks", json=hook)
        path = f"/webhooks/{made.json()['data']['id']}"
        shown = await desk.client.get(path)
        changed = await desk.client.put(path, json={"enabled": False})

        spec.check_answer("POST", "/messages", sent.status_code, sent.json())
        spec.check_answer("POST", "/chats/{chat_id}/messages", 200, again.json())
        spec.check_answer("POST", "/webhooks", made.status_code, made.json())
        spec.check_answer("GET", "/webhooks/{webhook_id}", 200, shown.json())
        spec.check_answer("PUT", "/webhooks/{webhook_id}", 200, changed.json())
        assert changed.json()["data"]["enabled"] is False
        assert (await desk.client.delete(path)).status_code == 200
        assert (await desk.client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"text": "Salut"}, 'Wrong phone number ""'),
        ({"phone": "0744", "text": "Salut"}, 'Wrong phone number "0744"'),
        ({"phone": 40731000001, "text": "Salut"}, 'Wrong phone number "40731000001"'),
        ({"phone": PHONE}, "Message must have a text or a file"),
        ({"phone": PHONE, "text": "a" * 2001}, "Longer than maximum length 2000."),
        ({"phone": PHONE, "text": "a\0b"}, "must not contain the NUL character"),
        ({"phone": PHONE, "text": "a\ud83d"}, "must be valid Unicode"),
        (
            {"phone": PHONE, "text": "a", "whatsapp_account_phone": "+40799999999"},
            "No connected WhatsApp account",
        ),
    ],
)
async def test_a_wrong_request_is_refused_in_the_vendors_shape_and_not_accepted(
    tmp_path: Path, spec: Spec, body: dict[str, Any], message: str
) -> None:
    async with opened(tmp_path) as desk:
        answer = await desk.client.post("/messages", content=json.dumps(body))

        assert message in answer.json()["message"]
        spec.check_answer("POST", "/messages", answer.status_code, answer.json())
        assert answer.status_code == 400
        assert desk.accepted() == []


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', "[" * 100_000])
async def test_a_body_that_is_no_object_is_refused(
    tmp_path: Path, content: str
) -> None:
    async with opened(tmp_path) as desk:
        answer = await desk.client.post("/messages", content=content)

        assert answer.status_code == 400
        assert answer.json()["status"] == "error"


async def test_unknown_fields_are_tolerated(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        body = {"phone": PHONE, "text": "Salut", "whatsapp_account_id": "x", "y": 1}

        answer = await desk.client.post("/messages", json=body)

        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/messages/none", 'Message uid "none" not found'),
        ("/messages/none/status_history", 'Message uid "none" not found'),
        ("/chats/7", 'Chat "7" not found'),
        ("/chats/7/messages", 'Chat "7" not found'),
        ("/webhooks/7", 'Webhook "7" not found'),
    ],
)
async def test_what_does_not_exist_is_a_404_that_names_it(
    tmp_path: Path, spec: Spec, path: str, message: str
) -> None:
    async with opened(tmp_path) as desk:
        answer = await desk.client.get(path)

        assert (answer.status_code, answer.json()["message"]) == (404, message)
        spec.check_schema("ErrorResponse", answer.json())


@pytest.mark.parametrize("path", ["/chats/", "/messages/", "/nothing"])
async def test_a_trailing_slash_or_unknown_path_is_an_html_page(
    tmp_path: Path, path: str
) -> None:
    async with opened(tmp_path) as desk:
        answer = await desk.client.get(path)

        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "missing_credentials"),
        ("Bearer x", "invalid_token"),
        ("é", "invalid_token"),
    ],
)
async def test_a_request_without_the_token_is_a_401(
    tmp_path: Path, spec: Spec, header: str, code: str
) -> None:
    async with opened(tmp_path) as desk:
        headers = {b"authorization": header.encode()}
        answer = await desk.client.get("/workspace", headers=headers)

        assert (answer.status_code, answer.json()["error_code"]) == (401, code)
        spec.check_schema("ErrorResponse", answer.json())


async def test_the_edge_blocks_the_user_agent_of_a_bare_library(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        headers = {"user-agent": "Python-urllib/3.11"}
        answer = await desk.client.get("/workspace", headers=headers)

        assert answer.status_code == 403
        assert answer.headers["content-type"].startswith("text/html")


async def test_the_named_account_sends_and_without_a_name_the_newest(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        await desk.send(PHONE, account=ACCOUNTS[0])
        await desk.client.post("/messages", json={"phone": PHONE, "text": "x"})

        assert [line["from"] for line in desk.accepted()] == list(ACCOUNTS)
        uid = desk.accepted()[0]["message_uid"]
        message = (await desk.client.get(f"/messages/{uid}")).json()["data"]
        assert message["sender_phone"] == ACCOUNTS[0]


async def test_a_disconnected_account_sends_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, disconnected_after=1) as desk:
        await desk.want("whatsapp:account:disconnected")
        await desk.send(PHONE)

        refused = await desk.send("+40731000002")
        chat_id = desk.accepted()[0]["chat_id"]
        follow_up = await desk.client.post(
            f"/chats/{chat_id}/messages", json={"text": "?"}
        )

        await desk.settled()
        assert [refused.status_code, follow_up.status_code] == [400, 400]
        assert len(desk.accepted()) == 1
        accounts = (await desk.client.get("/whatsapp_accounts")).json()["data"]
        states = [one["status"] for one in accounts["whatsapp_accounts"]]
        assert states == ["disconnected", "active"]
        chat = (await desk.client.get(f"/chats/{chat_id}")).json()["data"]
        assert chat["is_allowed_to_message"] is False
        assert desk.posted[0]["whatsapp_account"]["phone"] == ACCOUNTS[0]


async def test_a_chat_is_found_by_its_exact_phone_or_a_part_of_it(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        for phone in ("+40731000001", "+40731000012", "+40731000019"):
            await desk.send(phone)

        async def phones(query: str) -> set[str]:
            answer = await desk.client.get(f"/chats?{query}")
            return {chat["phone"] for chat in answer.json()["data"]["chats"]}

        assert await phones("phone=%2B40731000001") == {"+40731000001"}
        assert await phones("phone=073100001") == {"+40731000012", "+40731000019"}
        assert await phones("whatsapp_phone=%2B40731000001,%2B40731000012") == {
            "+40731000001",
            "+40731000012",
        }
        assert len(await phones("whatsapp_account_id=40720000001@s.whatsapp.net")) == 3
        assert await phones("group=true") == set()
        assert await phones("created_after=2100-01-01T00:00:00Z") == set()


async def test_a_long_list_comes_in_pages_of_fifty(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        for n in range(60):
            await desk.send(f"+4073100{n:04d}")

        first = (await desk.client.get("/chats")).json()["data"]
        second = (await desk.client.get("/chats?page=2")).json()["data"]

        assert (len(first["chats"]), first["has_more_pages"]) == (50, True)
        assert (len(second["chats"]), second["has_more_pages"]) == (10, False)


async def test_the_history_answers_to_its_filters(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        uid = await desk.sent_uid(PHONE, "unu")
        later = await desk.sent_uid(PHONE, "doi")
        account = desk.vendor.world.accounts[ACCOUNTS[0]]
        said = desk.vendor.population.say(account, PHONE, "Da?")
        at = desk.vendor.scribe.time(desk.vendor.world.messages[uid].at_s)

        async def uids(**query: str) -> list[str]:
            path = f"/chats/{said.chat.id}/messages"
            answer = await desk.client.get(path, params=query)
            assert answer.status_code == 200, answer.text
            return [one["uid"] for one in answer.json()["data"]["messages"]]

        assert await uids() == [said.uid, later, uid]
        assert await uids(sorting_order="asc") == [uid, later, said.uid]
        assert await uids(from_me="true") == [later, uid]
        assert await uids(from_me="false") == [said.uid]
        assert await uids(after=at) == [said.uid, later, uid]
        assert await uids(after="2100-01-01") == []
        assert await uids(before="2100-01-01T00:00:00Z") == [said.uid, later, uid]
        assert await uids(before="2000-01-01") == []
        assert await uids(after_message=uid) == [said.uid, later]
        assert await uids(before_message=later) == [uid]


async def test_a_bad_filter_is_refused_with_its_name(
    tmp_path: Path, spec: Spec
) -> None:
    async with opened(tmp_path) as desk:
        for query in ("group=perhaps", "page=0", "created_after=soon"):
            answer = await desk.client.get(f"/chats?{query}")

            assert answer.json()["errors"][0]["fields"] == [query.split("=")[0]]
            spec.check_answer("GET", "/chats", answer.status_code, answer.json())


async def test_a_message_gets_further_as_engine_time_passes(tmp_path: Path) -> None:
    async with opened(tmp_path, plan={"speed": 1000.0}, read=1) as desk:
        uid = await desk.sent_uid(PHONE)
        fate = desk.vendor.world.messages[uid].fate
        assert fate is not None
        at_s = desk.vendor.world.messages[uid].at_s
        statuses = []
        for after_s in (fate.sent_s, fate.delivered_s, fate.read_s):
            assert after_s is not None
            now_s = at_s + after_s / 1000 + 0.001
            message = desk.vendor.world.messages[uid]
            statuses.append(desk.vendor.scribe.status(message, now_s))

        assert statuses == ["Sent", "Delivered", "Read"]
        first = (await desk.client.get(f"/messages/{uid}/status_history")).json()
        assert first["data"][0]["status"] == "Sending"


@given(st.text(alphabet="+0123456789 .-()/x", max_size=20))
def test_a_clean_phone_stays_as_it_is(typed: str) -> None:
    phone = clean_phone(typed)

    assert phone is None or clean_phone(phone) == phone
