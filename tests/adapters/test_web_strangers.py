"""Who may deliver, how much, and how fast; and that nothing is given away."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from tests.adapters.web_world import (
    OLD_TOKEN,
    PATH,
    TOKEN,
    Web,
    asked,
    error_of,
    reply,
    speak,
    timelines,
)

from outreach.domain.errors import Misconfigured
from outreach.domain.event import Arrival
from outreach.entrypoints.settings import Secret
from outreach.entrypoints.web.app import Limits, WebhookRoute

HEADER: Final = "X-Outreach-Webhook-Secret"
MIB: Final = 1 << 20


def by_header(*secrets: str) -> WebhookRoute:
    return timelines(tokens=(), header_secrets=tuple(map(Secret, secrets)))


async def test_every_current_secret_opens_while_rotating() -> None:
    web = Web()

    answer = await asked(
        web.app, "POST", f"/webhooks/timelinesai/{OLD_TOKEN}", content=reply()
    )

    assert answer.json() == {"stored": 1}


async def test_a_secret_with_any_character_is_a_token() -> None:
    secret = "a/b?c#d%e f+ă="
    web = Web(routes=[timelines(tokens=(Secret(secret),))])

    answer = await asked(
        web.app,
        "POST",
        f"/webhooks/timelinesai/{quote(secret, safe='')}",
        content=reply(),
    )

    assert answer.json() == {"stored": 1}


def test_two_accounts_may_not_share_a_secret() -> None:
    with pytest.raises(Misconfigured, match="timelinesai have the same webhook secret"):
        Web(routes=[timelines(), timelines(account="second")])


@pytest.mark.parametrize("name", ["", "a/b", "{token}", "ă", "a b"])
def test_a_provider_is_one_plain_part_of_a_path(name: str) -> None:
    with pytest.raises(Misconfigured, match="cannot be part of a path"):
        timelines(provider=name)


@pytest.mark.parametrize(
    ("path", "routes"),
    [
        ("/webhooks/timelinesai", [timelines()]),
        ("/webhooks/timelinesai/", [timelines(tokens=())]),
        ("/webhooks/timelinesai/", [timelines(tokens=(Secret(""),))]),
        ("/webhooks/timelinesai", [by_header("")]),
        (PATH, [timelines(tokens=())]),
        (PATH, [by_header(TOKEN)]),
        (PATH, []),
        (f"/webhooks/wamm/{TOKEN}", [timelines()]),
        ("/webhooks", [timelines()]),
        ("/", [timelines()]),
    ],
)
async def test_without_a_configured_secret_there_is_no_route(
    path: str, routes: Sequence[WebhookRoute]
) -> None:
    web = Web(routes=routes)

    answer = await asked(web.app, "POST", path, headers={HEADER: ""}, content=reply())

    assert answer.status_code == 404
    assert error_of(answer)["code"] == "NOT_FOUND"
    assert await web.stored() == []


async def test_every_flipped_bit_of_a_token_is_refused() -> None:
    web = Web(routes=[timelines(tokens=(Secret(TOKEN),))])
    right = TOKEN.encode()

    statuses = set()
    async with speak(web.app) as client:
        for place in range(len(right) * 8):
            forged = bytearray(right)
            forged[place // 8] ^= 1 << place % 8
            path = "/webhooks/timelinesai/" + quote(bytes(forged), safe="")
            statuses.add((await client.post(path, content=reply())).status_code)

    assert statuses == {401}
    assert await web.stored() == []
    assert web.webhooks("unauthorized") == len(right) * 8


async def test_every_flipped_bit_of_a_header_is_refused() -> None:
    web = Web(routes=[by_header(TOKEN)])
    right = TOKEN.encode()

    statuses = set()
    async with speak(web.app) as client:
        for place in range(len(right) * 8):
            forged = bytearray(right)
            forged[place // 8] ^= 1 << place % 8
            sent = [(HEADER.encode(), bytes(forged))]
            answer = await client.post(
                "/webhooks/timelinesai", headers=sent, content=reply()
            )
            statuses.add(answer.status_code)

    assert statuses == {401}
    assert await web.stored() == []


@given(st.binary(max_size=64))
@example(b"")
@example(TOKEN.encode()[:-1])
@example(TOKEN.encode() + b"\x00")
@example(TOKEN.encode() + b"/")
@example(TOKEN.upper().encode())
@example(b"\xff\xfe")
async def test_whatever_is_no_secret_is_401_in_path_and_header(forged: bytes) -> None:
    if forged.decode("latin-1") in {TOKEN, OLD_TOKEN} or b"\n" in forged:
        return
    route = timelines(header_secrets=(Secret(TOKEN),))
    web = Web(routes=[route])

    async with speak(web.app) as client:
        by_path = await client.post(
            "/webhooks/timelinesai/" + quote(forged, safe=""), content=reply()
        )
        sent = [(HEADER.encode(), forged)]
        by_head = await client.post(
            "/webhooks/timelinesai", headers=sent, content=reply()
        )

    assert (by_path.status_code, by_head.status_code) == (401, 401)
    assert error_of(by_path)["message"] == error_of(by_head)["message"]
    assert await web.stored() == []


async def test_a_missing_header_is_a_wrong_one() -> None:
    web = Web(routes=[by_header("s3cret")])

    answer = await asked(web.app, "POST", "/webhooks/timelinesai", content=reply())

    assert answer.status_code == 401
    assert error_of(answer)["code"] == "UNAUTHORIZED"


async def test_the_right_header_opens() -> None:
    web = Web(routes=[by_header("old", "s3cret")])

    answer = await asked(
        web.app,
        "POST",
        "/webhooks/timelinesai",
        headers={HEADER: "s3cret"},
        content=reply(),
    )

    assert answer.json() == {"stored": 1}


async def test_the_body_of_a_stranger_is_never_read() -> None:
    web = Web()
    read = 0

    async def counting() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(10):
            read += 1
            yield b"x"

    answer = await asked(
        web.app, "POST", "/webhooks/timelinesai/forged", content=counting()
    )

    assert (answer.status_code, read) == (401, 0)


async def test_failures_are_limited_per_address_and_successes_never() -> None:
    web = Web(limits=Limits(failures=3, failure_every=timedelta(seconds=10)))
    wrong = "/webhooks/timelinesai/forged"

    async with speak(web.app, "10.0.0.1") as one, speak(web.app, "10.0.0.2") as other:
        at_first = [(await one.post(wrong)).status_code for _ in range(3)]
        limited = await one.post(wrong)
        elsewhere = await other.post(wrong)
        right = await one.post(PATH, content=reply())
        web.seconds = 10.0
        later = await one.post(wrong)

    assert at_first == [401, 401, 401]
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "10")
    assert error_of(limited)["code"] == "RATE_LIMITED"
    assert (elsewhere.status_code, right.status_code) == (401, 200)
    assert later.status_code == 401


@pytest.mark.parametrize(
    ("size", "status"), [(MIB - 1, 200), (MIB, 200), (MIB + 1, 413), (4 * MIB, 413)]
)
async def test_a_body_of_at_most_one_mib_is_taken(size: int, status: int) -> None:
    web = Web()
    body = b" " * size

    answer = await asked(web.app, "POST", PATH, content=body)

    assert answer.status_code == status
    assert [len(arrival.raw) for arrival in await web.stored()] == (
        [size] if status == 200 else []
    )


@pytest.mark.parametrize("declared", [None, "10", "0", "9" * 5_000, "-1", "²", "1e3"])
async def test_what_is_counted_is_bytes_whatever_the_head_says(
    declared: str | None,
) -> None:
    web = Web()
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 65_536

    headers = [] if declared is None else [(b"content-length", declared.encode())]
    async with asyncio.timeout(10):
        answer = await asked(web.app, "POST", PATH, headers=headers, content=chunks())

    assert answer.status_code == 413
    assert error_of(answer)["details"] == {"limit_bytes": MIB}
    assert sent <= MIB // 65_536 + 1
    assert await web.stored() == []


async def test_a_body_that_dawdles_is_given_up_in_machine_time() -> None:
    web = Web(limits=Limits(body_within=timedelta(seconds=0.1)))

    async def slowly() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    async with asyncio.timeout(5):
        answer = await asked(web.app, "POST", PATH, content=slowly())

    assert answer.status_code == 408
    assert error_of(answer)["code"] == "REQUEST_TIMEOUT"
    assert answer.headers["connection"] == "close"
    assert web.webhooks("too_slow") == 1


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip"])
async def test_compressed_bodies_are_refused(encoding: str) -> None:
    web = Web()

    answer = await asked(
        web.app, "POST", PATH, headers={"Content-Encoding": encoding}, content=reply()
    )

    assert answer.status_code == 415
    assert error_of(answer)["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert await web.stored() == []


async def test_no_secret_number_or_word_leaves_by_an_answer_a_log_or_a_metric(
    caplog: pytest.LogCaptureFixture,
) -> None:
    canaries = [TOKEN, OLD_TOKEN, "+40731000001", "40720000001", "canary-word", "uid-c"]
    header = "canary-word-of-the-header"
    web = Web(routes=[timelines(header_secrets=(Secret(header),))])
    body = reply("uid-c", "canary-word")

    def fail(arrival: Arrival) -> None:
        raise RuntimeError(arrival.raw)

    told: list[str] = []
    with capture_logs() as logs, caplog.at_level(logging.DEBUG):
        async with speak(web.app) as client:
            requests = [
                ("POST", PATH, body, {}),
                ("POST", f"{PATH}x", body, {}),
                ("POST", f"/webhooks/wamm/{TOKEN}", body, {}),
                ("GET", PATH, b"", {}),
                ("POST", "/webhooks/timelinesai", body, {HEADER: header}),
                ("POST", "/webhooks/timelinesai", body, {HEADER: header + "x"}),
                ("POST", PATH, b"+40731000001" * 100_000, {}),
                ("POST", PATH, body, {"Content-Encoding": "canary-word"}),
                ("POST", PATH, body, {"X-Request-Id": "canary-word"}),
                ("GET", "/metrics", b"", {}),
                ("GET", "/readyz", b"", {}),
            ]
            for _ in range(2):
                for method, path, content, headers in requests:
                    answer = await client.request(
                        method, path, content=content, headers=headers
                    )
                    told.append(f"{answer.text} {answer.headers}")
                web.inbox.fail = fail

    others = [line.getMessage() for line in caplog.records if line.name != "httpx"]
    said = json.dumps([logs, others, told]) + repr(web.parts.routes)
    assert "RuntimeError" in said
    assert [canary for canary in canaries if canary in said] == []
