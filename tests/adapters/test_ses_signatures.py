"""Only what our topic signed is the vendor's, and nothing else is ever fetched."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.ses_events import event
from tests.contract.sns_topic import (
    HOST,
    NOW,
    PEM,
    TOPIC,
    SnsBench,
    Topic,
    certificate,
    opened,
)

from outreach.adapters.ses import SnsSignatures, signatures
from outreach.adapters.ses.certificates import MOST_ASKED, Certificates
from outreach.adapters.ses.envelope import (
    certificate_path,
    is_hosted,
    open_envelope,
    region_of,
)
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.testing.fault_server import FaultServer, Hangs, Says
from outreach.testing.incoming_keys import Delivery

OTHERS: Final = "arn:aws:sns:eu-west-1:210987654321:outreach"


@pytest.fixture
async def bench() -> AsyncIterator[SnsBench]:
    async with opened() as bench:
        yield bench


async def verdict(bench: SnsBench, one: Delivery) -> bool:
    await bench.checks.learn(one.headers, one.raw)
    return bench.checks.is_theirs(one.headers, one.raw, NOW)


def changed(one: Delivery, **facts: Any) -> Delivery:
    body = {**json.loads(one.raw), **facts}
    return evolve(one, raw=json.dumps(body).encode())


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    "more", [{}, {"Subject": "Amazon SES Email Event Notification"}, {"New": [1]}]
)
async def test_what_our_topic_signed_is_theirs(
    bench: SnsBench, version: str, more: dict[str, Any]
) -> None:
    topic = Topic(version=version)

    assert await verdict(bench, topic.notification(event("Bounce"), **more))
    for kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        assert await verdict(bench, topic.handshake(kind))
    assert bench.asked == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"Message": "{}"},
        {"MessageId": "another"},
        {"Subject": "Hello"},
        {"Timestamp": "2026-11-20T09:00:00.000Z"},
        {"TopicArn": OTHERS},
        {"Type": "SubscriptionConfirmation"},
        {"SignatureVersion": "1"},
        {"SignatureVersion": "3"},
        {"SignatureVersion": 2},
        {"SignatureVersion": None},
        {"Signature": ""},
        {"Signature": "AAAA"},
        {"Signature": "no base64 !"},
        {"Signature": None},
        {"Message": None},
        {"Message": "\ud800"},
        {"SigningCertURL": ""},
        {"SigningCertURL": None},
    ],
)
async def test_nothing_of_a_delivery_can_be_changed(
    bench: SnsBench, facts: dict[str, Any]
) -> None:
    one = bench.signed("x")
    assert await verdict(bench, one)

    assert not await verdict(bench, changed(one, **facts))


async def test_another_key_or_another_topic_is_a_strangers(bench: SnsBench) -> None:
    forged = Topic(by="mine").notification("{}")
    elsewhere = Topic(arn=OTHERS).notification("{}")

    assert not await verdict(bench, forged)
    assert not await verdict(bench, elsewhere)
    assert bench.asked == 1  # only the first names a topic of ours


async def test_the_head_and_the_body_must_agree(bench: SnsBench) -> None:
    one = bench.signed("x")
    assert await verdict(bench, one)
    for name, value in (
        ("x-amz-sns-message-type", "UnsubscribeConfirmation"),
        ("x-amz-sns-topic-arn", OTHERS),
    ):
        headers = {**one.headers, name: value}
        assert not bench.checks.is_theirs(headers, one.raw, NOW)
        bare = {n: v for n, v in one.headers.items() if n != name}
        assert not bench.checks.may_be(bare, NOW)
        assert not bench.checks.is_theirs(bare, one.raw, NOW)
    assert bench.checks.may_be(one.headers, NOW)


async def test_what_is_late_is_theirs_for_the_vendor_repeats_for_hours(
    bench: SnsBench,
) -> None:
    one = bench.signed("x")
    await bench.checks.learn(one.headers, one.raw)

    assert bench.checks.is_theirs(one.headers, one.raw, NOW + timedelta(days=2))


async def test_a_certificate_is_good_while_it_lasts(bench: SnsBench) -> None:
    one = bench.signed("x")
    await bench.checks.learn(one.headers, one.raw)

    ends = timedelta(days=335)
    begins = timedelta(days=-30)
    for off, expected in (
        (ends, True),
        (ends + timedelta(seconds=1), False),
        (begins, True),
        (begins - timedelta(seconds=1), False),
    ):
        said = bench.checks.is_theirs(one.headers, one.raw, NOW + off)
        assert said is expected, off


ELSEWHERE: Final = [
    f"http://sns.eu-west-1.amazonaws.com{PEM}",
    f"https://sns.eu-west-1.amazonaws.com.evil.example{PEM}",
    f"https://evil.example/sns.eu-west-1.amazonaws.com{PEM}",
    f"https://evil.example{PEM}",
    f"https://sns.eu-west-1.amazonaws.com@evil.example{PEM}",
    f"https://evil.example@sns.eu-west-1.amazonaws.com{PEM}",
    f"https://sns.eu-west-1.amazonaws.com:8443{PEM}",
    f"https://sns.eu-west-1.amazonaws.com:443{PEM}",
    f"https://sns.us-east-1.amazonaws.com{PEM}",
    f"https://sns.eu-west-1.amazonaws.com.cn{PEM}",
    f"https://SNS.eu-west-1.amazonaws.com{PEM}",
    f"https://s3.eu-west-1.amazonaws.com{PEM}",
    f"https://sns.eu-west-1.amazonaws.com\\@evil.example{PEM}",
    f"https://sns.eu-west-1.amazonaws.com\n.evil.example{PEM}",
    f" https://sns.eu-west-1.amazonaws.com{PEM}",
    f"https://127.0.0.1{PEM}",
    f"https://[::1]{PEM}",
    f"https://169.254.169.254{PEM}",
    f"file://sns.eu-west-1.amazonaws.com{PEM}",
    f"//sns.eu-west-1.amazonaws.com{PEM}",
    "https://sns.eu-west-1.amazonaws.com/x.txt",
    "https://sns.eu-west-1.amazonaws.com/a/../b.pem",
    "https://sns.eu-west-1.amazonaws.com/bucket/x.pem",
    f"https://sns.eu-west-1.amazonaws.com{PEM}?x=1",
    f"https://sns.eu-west-1.amazonaws.com/?x={PEM}",
    f"https://sns.eu-west-1.amazonaws.com{PEM}#x",
    "https://sns.eu-west-1.amazonaws.com/%2e%2e/x.pem",
    "https://sns.eu-west-1.amazonaws.com/.pem",
    "https://[",
    "",
]


@pytest.mark.parametrize("url", ELSEWHERE)
async def test_a_certificate_of_elsewhere_is_never_fetched(
    bench: SnsBench, url: str
) -> None:
    one = Topic(url=url).notification("{}")
    bench.checks.certificates.stand_in = ""  # it would be asked where it says

    await bench.checks.learn(one.headers, one.raw)

    assert bench.checks.certificates._asked == []
    assert not bench.checks.is_theirs(one.headers, one.raw, NOW)


async def test_a_kept_certificate_counts_only_under_the_address_it_came_from(
    bench: SnsBench,
) -> None:
    assert await verdict(bench, bench.signed("x"))

    for url in ELSEWHERE:
        assert not await verdict(bench, Topic(url=url).notification("{}"))
    assert bench.asked == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/?Action=ConfirmSubscription",
        "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.eu-west-1.amazonaws.com.evil.example/?Action=ConfirmSubscription",
    ],
)
async def test_a_subscription_is_confirmed_at_the_vendors_only(
    bench: SnsBench, url: str
) -> None:
    one = bench.topic.handshake(SubscribeURL=url)

    assert await verdict(bench, one)
    await bench.checks.confirm(one.raw)

    assert bench.confirmed == 0
    assert bench.asked == 1  # its certificate


async def test_the_end_of_a_subscription_and_anothers_topic_are_not_confirmed(
    bench: SnsBench,
) -> None:
    await bench.checks.confirm(bench.topic.handshake("UnsubscribeConfirmation").raw)
    await bench.checks.confirm(Topic(arn=OTHERS).handshake().raw)

    assert bench.asked == 0


def test_hosts_of_every_part_of_the_cloud() -> None:
    for region, end in (
        ("eu-west-1", ""),
        ("ap-southeast-2", ""),
        ("us-gov-west-1", ""),
        ("cn-north-1", ".cn"),
    ):
        part = {"us-gov": "aws-us-gov", "cn-nor": "aws-cn"}.get(region[:6], "aws")
        topic = f"arn:{part}:sns:{region}:123456789012:outreach"

        assert region_of(topic) == region
        assert is_hosted(f"https://sns.{region}.amazonaws.com{end}{PEM}", topic)
        other = "" if end else ".cn"
        assert not is_hosted(f"https://sns.{region}.amazonaws.com{other}/", topic)


@pytest.mark.parametrize(
    "body",
    [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n", b"\xff" * 70_000],
)
async def test_what_is_no_certificate_makes_nothing_theirs(
    bench: SnsBench, body: bytes
) -> None:
    bench.pem = body
    one = bench.signed("x")

    if len(body) > 64 * 1024:
        with pytest.raises(Unavailable):
            await bench.checks.learn(one.headers, one.raw)
    else:
        await bench.checks.learn(one.headers, one.raw)

    assert not bench.checks.is_theirs(one.headers, one.raw, NOW)


async def test_strangers_cannot_have_many_certificates_asked_for(
    bench: SnsBench,
) -> None:
    def named(number: int) -> Delivery:
        return Topic(url=f"{HOST}/SimpleNotificationService-{number}.pem").notification(
            "{}"
        )

    refused = 0
    for number in range(MOST_ASKED + 5):
        one = named(number)
        try:
            await bench.checks.learn(one.headers, one.raw)
        except Unavailable:
            refused += 1

    assert (bench.asked, refused) == (MOST_ASKED, 5)
    bench.seconds += 61
    assert await verdict(bench, bench.signed("x"))


async def test_what_is_known_costs_nothing_while_strangers_ask(
    bench: SnsBench,
) -> None:
    assert await verdict(bench, bench.signed("x"))
    for number in range(MOST_ASKED - 1):
        one = Topic(url=f"{HOST}/{number}.pem").notification("{}")
        await bench.checks.learn(one.headers, one.raw)

    assert await verdict(bench, bench.signed("another"))


async def test_few_certificates_are_kept() -> None:
    seconds = 0.0
    async with FaultServer(lambda _: Says(200, certificate())) as server:
        kept = Certificates("outreach tests", server.url, monotonic=lambda: seconds)
        for number in range(40):
            seconds += 10
            one = Topic(url=f"{HOST}/{number}.pem").notification("{}")
            envelope = open_envelope(one.raw)
            assert envelope is not None
            await kept.fetch(envelope)
            assert kept.signed(envelope, NOW)

    assert len(kept._kept) == 16


async def test_a_silent_host_holds_nobody_beyond_its_time() -> None:
    async with FaultServer(lambda _: Hangs()) as server:
        kept = Certificates(
            "outreach tests", server.url, fetch_within=timedelta(milliseconds=200)
        )
        envelope = open_envelope(Topic().notification("{}").raw)
        assert envelope is not None

        async with asyncio.timeout(5):
            results = await asyncio.gather(
                *(kept.fetch(envelope) for _ in range(5)), return_exceptions=True
            )

    assert [type(one) for one in results] == [Unavailable] * 5
    assert len(server.asked) == 1  # the others were told at once


@pytest.mark.parametrize(
    "topic",
    [
        "outreach",
        "arn:aws:sns:eu-west-1:123:outreach",
        "arn:aws:sqs:eu-west-1:123456789012:outreach",
        "arn:aws:sns:eu-west-1.evil.example:123456789012:x",
        f"{TOPIC}:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55",
        f"{TOPIC}\n",
        "",
    ],
)
def test_what_is_no_topic_stops_the_start(topic: str) -> None:
    with pytest.raises(Misconfigured, match=r"the 2\. of ses\.topic_arns"):
        signatures([TOPIC, topic], user_agent="outreach tests")


def test_without_a_topic_nothing_is_checked() -> None:
    assert signatures([], user_agent="outreach tests") is None


ONE: Final = Topic().notification(event("Bounce"))
BODY: Final = json.loads(ONE.raw)


def known() -> SnsSignatures:
    """One that has learnt the certificate already."""
    made = signatures([TOPIC], user_agent="outreach tests")
    assert made is not None
    made.certificates._kept[f"{HOST}{PEM}"] = load_pem_x509_certificate(certificate())
    return made


CHECKS: Final = known()
_VALUE: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text(max_size=20),
    st.just([]),
    st.just({}),
    st.binary(max_size=300).map(lambda one: base64.b64encode(one).decode()),
    st.sampled_from([*ELSEWHERE, TOPIC, OTHERS, "1", "2", "Notification"]),
)


def test_the_delivery_that_is_changed_below_is_theirs() -> None:
    assert CHECKS.is_theirs(ONE.headers, ONE.raw, NOW)


@pytest.mark.parses
@given(
    name=st.sampled_from(sorted(set(BODY) - {"UnsubscribeURL"})),
    value=_VALUE,
    head=st.dictionaries(st.sampled_from(sorted(ONE.headers)), st.text(max_size=9)),
)
def test_no_other_delivery_is_theirs(
    name: str, value: object, head: dict[str, str]
) -> None:
    raw = json.dumps({**BODY, name: value}).encode()
    headers = {**ONE.headers, **head}
    same = BODY[name] == value and not set(head) & {
        *("x-amz-sns-message-type", "x-amz-sns-topic-arn")
    }

    assert CHECKS.is_theirs(headers, raw, NOW) is same


@pytest.mark.parses
@given(raw=st.binary(max_size=80), place=st.integers(0, len(ONE.raw) - 1))
def test_no_bytes_make_it_raise(raw: bytes, place: int) -> None:
    cut = ONE.raw[:place] + raw + ONE.raw[place + len(raw) :]
    for body in (raw, cut, ONE.raw[:place]):
        said = CHECKS.is_theirs(ONE.headers, body, NOW)
        envelope, whole = open_envelope(body), open_envelope(ONE.raw)

        if said:
            assert envelope is not None
            assert whole is not None
            assert certificate_path(envelope) == PEM
            assert envelope.signed == whole.signed
