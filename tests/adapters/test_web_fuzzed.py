"""Every route that strangers reach, with whatever they send: 200 or 4xx, never more."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.resend_events import signed
from tests.adapters.test_instantly_webhooks import SPOILT as INSTANTLY
from tests.adapters.test_resend_webhooks import mutated as resend_changed
from tests.adapters.test_timelinesai_webhooks import mutated as timelines_changed
from tests.adapters.test_web_links import OLD, Pages, path
from tests.adapters.web_world import NOW, PATH, TOKEN, Web, asked, timelines

from outreach.adapters.instantly import InstantlyReader
from outreach.adapters.resend import ResendReader, signatures
from outreach.domain.event import EventType
from outreach.entrypoints.settings import Secret
from outreach.entrypoints.web.app import WebhookRoute
from outreach.entrypoints.web.webhooks import WEBHOOK_HEADER

SECRET: Final = "whsec_" + base64.b64encode(b"a secret of 24 bytes ...").decode()
STAMP: Final = int(NOW.timestamp())
RESEND: Final = resend_changed().map(lambda said: json.dumps(said).encode())
ANY: Final = st.binary(max_size=80)
NAMES: Final = st.sampled_from(
    [
        *(WEBHOOK_HEADER, "svix-id", "svix-timestamp", "svix-signature"),
        *("Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding"),
        *("Expect", "X-Request-Id", "X-Forwarded-For", "Cookie", "Authorization"),
    ]
)
HEADERS: Final = st.lists(
    st.tuples(
        NAMES.map(str.encode),
        st.binary(max_size=20) | st.sampled_from([TOKEN.encode(), b"gzip", b"-1"]),
    ),
    max_size=4,
)


def there() -> Web:
    """All three vendors, each with its own way of saying who it is."""
    instantly = WebhookRoute(
        "instantly", "default", InstantlyReader(), header_secrets=(Secret(TOKEN),)
    )
    resend = WebhookRoute(
        "resend", "default", ResendReader(), signed=signatures([SECRET])
    )
    return Web(routes=(timelines(), instantly, resend))


async def delivered(web: Web, vendor: str, raw: bytes) -> int:
    """The answer to a delivery that is really the vendor's."""
    headers: dict[str, str] = {}
    if vendor == "instantly":
        headers[WEBHOOK_HEADER] = TOKEN
    if vendor == "resend":
        headers = signed(raw, SECRET, STAMP)
    where = PATH if vendor == "timelinesai" else f"/webhooks/{vendor}"
    answer = await asked(web.app, "POST", where, content=raw, headers=headers)
    return int(answer.status_code)


async def _is_kept(vendor: str, raw: bytes) -> None:
    web = there()

    statuses = [await delivered(web, vendor, raw) for _ in range(2)]

    assert statuses == [200, 200]
    kept = await web.stored()
    assert kept
    assert {(one.provider, one.raw) for one in kept} == {(vendor, raw)}
    assert len({one.key for one in kept}) == len(kept)


@given(raw=INSTANTLY | ANY)
async def test_whatever_instantly_delivers_is_kept_once(raw: bytes) -> None:
    await _is_kept("instantly", raw)


@given(raw=RESEND | ANY)
async def test_whatever_resend_signs_is_kept_once(raw: bytes) -> None:
    await _is_kept("resend", raw)


@given(raw=timelines_changed() | ANY)
async def test_whatever_timelinesai_delivers_is_kept_once(raw: bytes) -> None:
    await _is_kept("timelinesai", raw)


@pytest.mark.parametrize("vendor", ["instantly", "resend", "timelinesai", "nobody"])
@given(
    method=st.sampled_from(["POST", "POST", "GET", "PUT", "DELETE", "X"]),
    headers=HEADERS,
    rest=st.text(alphabet="ab/%.?#;0\u0103", max_size=12),
    raw=ANY,
)
async def test_whatever_a_stranger_sends_to_a_webhook_is_4xx_or_a_delivery(
    vendor: str, method: str, headers: list[tuple[bytes, bytes]], rest: str, raw: bytes
) -> None:
    web = there()

    answer = await asked(
        web.app, method, f"/webhooks/{vendor}{rest}", content=raw, headers=headers
    )

    kept = await web.stored()
    if kept:
        assert (answer.status_code, vendor) == (200, "instantly")
        assert (WEBHOOK_HEADER.encode(), TOKEN.encode()) in headers
    else:
        assert 400 <= answer.status_code < 500


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "X"]),
    place=st.integers(0, 120),
    put=st.text(alphabet="AZaz09-_=%./\u0103", max_size=3),
    headers=HEADERS,
    raw=ANY,
)
async def test_whatever_is_made_of_a_link_is_a_page_or_4xx_and_only_ours_counts(
    method: str, place: int, put: str, headers: list[tuple[bytes, bytes]], raw: bytes
) -> None:
    pages, whole = Pages(), path(key=OLD)
    changed: Any = whole[:place] + put + whole[place + len(put) :]

    answer = await pages.ask(method, changed, content=raw, headers=headers)

    assert answer.status_code == 200 or 400 <= answer.status_code < 500
    kept = await pages.stored()
    assert {one.type for one in kept} <= {EventType.UNSUBSCRIBE}
    assert not kept or method == "POST"
