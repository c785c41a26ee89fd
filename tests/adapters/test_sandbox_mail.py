"""The people behind addresses: the faults on the way to them, and their links."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tests.adapters.instantly_desk import MAILBOX, add, leads, started
from tests.adapters.sandbox_in_process import Desk, opened

from outreach.entrypoints.sandbox import Sandbox
from outreach.entrypoints.sandbox.behaviour import PROFILES, Behaviour
from outreach.entrypoints.sandbox.faults import FAULTS
from outreach.entrypoints.sandbox.links import links_in
from outreach.entrypoints.sandbox.mail_fate import MailCircumstances, foretell_mail

API: Final = "/instantly/api/v2"
LEAVE: Final = "http://127.0.0.1:9/l/token-1"
PAGE: Final = "http://127.0.0.1:9/farm"
MAIL: Final[dict[str, Any]] = {
    "from": "andrei@hambarul-nou.example",
    "to": "ion@ferma.example",
    "subject": "Oferta",
    "text": f"Bună ziua, {PAGE}.\nDezabonare: {LEAVE}",
}
ONE_CLICK: Final = {
    "List-Unsubscribe": f"<mailto:u@x.example>, <{LEAVE}>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


async def send_warm(desk: Desk, to: str, **more: Any) -> httpx.Response:
    async with desk.at("/resend") as client:
        return await client.post("/emails", json={**MAIL, "to": to, **more})


async def send_cold(desk: Desk, to: str) -> httpx.Response:
    async with desk.at(API) as client:
        campaigns = desk.vendor.instantly.store.campaigns
        campaign = next(iter(campaigns), None) or await started(client)
        body = {"campaign_id": campaign, "leads": leads(to)}
        return await client.post("/leads/add", json=body)


WIRES: Final = {"resend": send_warm, "instantly": send_cold}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("knob", "status"),
    [("rate_limited", 429), ("unavailable", 503), ("edge_refused", 403)],
)
async def test_a_fault_refuses_and_nothing_is_accepted(
    tmp_path: Path, wire: str, knob: str, status: int
) -> None:
    knobs: dict[str, Any] = {knob: 1}
    async with opened(tmp_path, resend_requests_per_s=0, **knobs) as desk:
        answer = await WIRES[wire](desk, "ion@ferma.example")

        assert answer.status_code == status
        assert desk.accepted() == []
        assert [line["wire"] for line in desk.events(str(status))] == [wire]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(("knob", "accepted"), [("lost_before", 0), ("lost_after", 1)])
async def test_a_lost_answer_is_lost_before_or_after_the_acceptance(
    tmp_path: Path, wire: str, knob: str, accepted: int
) -> None:
    knobs: dict[str, Any] = {knob: 1}
    async with opened(tmp_path, **knobs) as desk:
        with pytest.raises(ConnectionResetError):
            await WIRES[wire](desk, "ion@ferma.example")

        assert [line["answer"] for line in desk.accepted()] == ["lost"] * accepted


@pytest.mark.parametrize("wire", WIRES)
async def test_every_certain_fault_happens_on_every_wire(
    tmp_path: Path, wire: str
) -> None:
    async with opened(tmp_path, sure_by=40, resend_requests_per_s=0) as desk:
        for number in range(80):
            try:
                await WIRES[wire](desk, f"a{number}@ferma.example")
            except ConnectionResetError:
                continue

        kinds = {line["kind"] for line in desk.events(*FAULTS) if line["wire"] == wire}
        assert kinds == set(FAULTS)


def test_a_stalled_line_hangs_on_both_wires_though_it_was_accepted(
    tmp_path: Path,
) -> None:
    knobs = {"stalled": 1.0, "stall_s": 30.0, "resend_requests_per_s": 0}
    with Sandbox.start(tmp_path / "a.jsonl", profile="calm", knobs=knobs) as box:
        key = {"authorization": f"Bearer {box.token}"}
        with (
            httpx.Client(headers=key, timeout=0.5) as client,
            pytest.raises(httpx.ReadTimeout),
        ):
            client.post(f"{box.resend_url}/emails", json=MAIL)

        assert [line["answer"] for line in box.accepted()] == ["lost"]


async def test_one_log_numbers_the_acceptances_of_all_wires(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.send("+40731000001")
        await send_warm(desk, "ion@ferma.example")
        await send_cold(desk, "ana@ferma.example")
        await desk.send("+40731000002")

        lines = desk.accepted()
        assert [line["n"] for line in lines] == [1, 2, 3, 4]
        wires = [line["wire"] for line in lines]
        assert wires == ["timelinesai", "resend", "instantly", "timelinesai"]
        assert all(re.fullmatch("[0-9a-f]{64}", line["sha256"]) for line in lines)


async def test_whoever_asked_for_silence_on_one_wire_is_angry_on_another(
    tmp_path: Path,
) -> None:
    async with (
        opened(tmp_path, reply_to_first=1, replies={"stop": 1}) as desk,
        desk.at(API) as client,
    ):
        await desk.send("+40731000001")
        await desk.settled()
        campaign = await started(client)
        body = {
            "campaign_id": campaign,
            "leads": leads("ion@ferma.example", phone="+40 731 000 001"),
        }
        await client.post("/leads/add", json=body)
        await desk.settled()

        assert [line["reply"] for line in desk.events("mail_reply")] == ["angry"]


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({}, [("GET", LEAVE), ("POST", LEAVE)]),
        (ONE_CLICK, [("POST", LEAVE)]),
    ],
)
async def test_some_people_unsubscribe_by_the_link_of_the_mail(
    tmp_path: Path, headers: dict[str, str], asked: list[tuple[str, str]]
) -> None:
    async with opened(tmp_path, mail_unsubscribed=1) as desk:
        await send_warm(desk, "ion@ferma.example", headers=headers)
        await desk.settled()

        assert [(r.method, str(r.url)) for r in desk.requests] == asked
        assert desk.requests[-1].content == b"List-Unsubscribe=One-Click"
        again = await send_warm(desk, "ion@ferma.example", headers=headers)
        await desk.settled()
        assert again.status_code == 200
        assert [line["reply"] for line in desk.events("mail_reply")] == ["angry"]


async def test_scanners_get_every_link_several_times_and_post_none(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, mail_scanned=1, mail_scans=3) as desk:
        for number in range(4):
            await send_warm(desk, f"a{number}@ferma.example")
        await desk.settled()

        asked = {(r.method, str(r.url)) for r in desk.requests}
        assert asked == {("GET", PAGE), ("GET", LEAVE)}
        assert len(desk.requests) > 8


async def test_a_link_of_another_machine_is_noted_and_never_asked(
    tmp_path: Path,
) -> None:
    far = "https://hambarul-nou.example/unsubscribe/1"
    async with opened(tmp_path, mail_unsubscribed=1, mail_scanned=1) as desk:
        await send_warm(desk, "ion@ferma.example", text=f"Dezabonare: {far}")
        await desk.settled()

        assert desk.requests == []
        noted = desk.events("link")
        assert {line["method"] for line in noted} == {"GET", "POST"}
        assert {line["why"] for line in noted} == {"not of this machine"}


def test_the_link_that_unsubscribes_is_the_headers_or_the_last_that_says_so() -> None:
    html = (
        f'<a href="{PAGE}?a=1&amp;b=2">x</a> Dezabonați-vă: <a href="{LEAVE}">aici</a>'
    )

    plain = links_in(html, {})
    headed = links_in("text", ONE_CLICK)
    named = links_in(f"{PAGE}/unsubscribe?t=1 or {PAGE}", {})
    none = links_in(f"see {PAGE}", {})

    assert plain.all == (f"{PAGE}?a=1&b=2", LEAVE)
    assert (plain.leave, plain.one_click) == (LEAVE, False)
    assert (headed.leave, headed.one_click) == (LEAVE, True)
    assert named.leave == f"{PAGE}/unsubscribe?t=1"
    assert none.leave == ""


def _about(number: int, **more: Any) -> MailCircumstances:
    return MailCircumstances(
        **{
            "to": f"a{number}@ferma.example",
            "ordinal": 1,
            "turns": 0,
            "stopped": False,
            "forced": None,
            "warm": False,
            "at_s": dt.datetime(2026, 11, 24, tzinfo=dt.UTC).timestamp(),
            **more,
        }
    )


@pytest.mark.parametrize(
    ("warm", "low", "high"), [(False, 0.02, 0.05), (True, 0.10, 0.15)]
)
def test_replies_come_at_the_usual_rates(
    *, warm: bool, low: float, high: float
) -> None:
    fates = [foretell_mail(1, Behaviour(), _about(n, warm=warm)) for n in range(4000)]

    answered = sum(any(not s.automatic for s in fate.said) for fate in fates)
    bounced = sum(fate.bounce is not None for fate in fates)

    assert low < answered / 4000 < high
    assert 0.005 < bounced / 4000 < 0.03


def test_an_automatic_reply_names_a_day_after_the_mail() -> None:
    away = PROFILES["calm"].changed({"mail_out_of_office": 1, "languages": {"ro": 1}})

    for number in range(50):
        fate = foretell_mail(1, away, _about(number))
        found = re.search(r"\d\d\.\d\d\.\d{4}", fate.said[0].text)

        assert found is not None
        day, month, year = map(int, found[0].split("."))
        back = dt.date(year, month, day)
        assert dt.date(2026, 11, 26) <= back <= dt.date(2026, 12, 8)
        assert fate.said[0].automatic


def test_a_dead_address_is_dead_for_every_mail() -> None:
    knobs = PROFILES["calm"].changed({"mail_bounced": 0.3})

    for number in range(50):
        fates = [foretell_mail(1, knobs, _about(number, ordinal=n)) for n in (1, 2, 3)]

        assert len({fate.bounce is None for fate in fates}) == 1


async def test_a_lead_of_a_campaign_answers_into_the_mailbox_that_wrote(
    tmp_path: Path,
) -> None:
    async with (
        opened(tmp_path, cold_mail_reply=1, replies={"interested": 1}) as desk,
        desk.at(API) as client,
    ):
        await add(client, await started(client), "ion@ferma.example")
        await desk.settled()

        came = desk.events("mail_reply")[0]
        assert (came["account"], came["sender"]) == (MAILBOX, "ion@ferma.example")


def test_the_process_takes_mailboxes_domains_and_its_time_of_day(
    tmp_path: Path,
) -> None:
    monday = dt.datetime(2026, 11, 23, 7, 0, tzinfo=dt.UTC)
    with Sandbox.start(
        tmp_path / "a.jsonl",
        profile="calm",
        speed=60,
        mailboxes=("one@b.example", "two@b.example"),
        domains=("b.example",),
        begin=monday,
    ) as box:
        key = {"authorization": f"Bearer {box.token}"}
        with httpx.Client(headers=key) as client:
            accounts = client.get(f"{box.instantly_url}/api/v2/accounts").json()
            domains = client.get(f"{box.resend_url}/domains").json()
        first = dt.datetime.fromisoformat(box.state()["engine_time"])
        later = monday + dt.timedelta(hours=5)
        box.set_clock(later)
        second = dt.datetime.fromisoformat(box.state()["engine_time"])
        box.kill()

    with Sandbox.start(tmp_path / "a.jsonl", profile="calm", speed=60) as box:
        third = dt.datetime.fromisoformat(box.state()["engine_time"])

    boxes = [one["email"] for one in accounts["items"]]
    assert boxes == ["one@b.example", "two@b.example"]
    assert [one["name"] for one in domains["data"]] == ["b.example"]
    assert monday <= first < monday + dt.timedelta(hours=2)
    assert later <= second < later + dt.timedelta(hours=2)
    assert later <= third < later + dt.timedelta(hours=2)
