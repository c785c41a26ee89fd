"""What must not leak is a canary: credentials, a prospect's number and address, the
text. Each provider is opened from settings, as a worker opens it, and meets everything
that its provider and the line can do; then all that was logged, shown, raised, counted
and asked for is searched.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import pytest
import structlog
from attrs import field, frozen
from structlog.testing import capture_logs
from tests.adapters.opened_providers import CASES, WEBHOOK, WITHIN, Case, opened
from tests.adapters.web_world import Web, asked, reply
from tests.contract import smtp_pool
from tests.unit.test_providers import DIALECT_CAN

from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.message import Answer, Parcel
from outreach.entrypoints.measured import Measured
from outreach.entrypoints.metrics import Metrics, provider_name
from outreach.entrypoints.providers import PROVIDERS, as_set
from outreach.entrypoints.settings import Secret, load
from outreach.entrypoints.web.app import WebhookRoute
from outreach.entrypoints.web.webhooks import WEBHOOK_HEADER
from outreach.ports.gateway import AccountSender
from outreach.testing.fault_server import Asked
from outreach.testing.gateway_bench import THEIRS, Situation, parcel

TEXT: Final = "Bună, canary-of-the-text"
WORDS: Final = "canary-of-the-text"
NUMBER: Final = THEIRS.removeprefix("+")
"""Also within the address that the doubles for mail write to."""
DELIVERIES: Final = (
    json.dumps(
        {"event": TEXT, "type": TEXT, "event_type": TEXT, NUMBER: TEXT}
    ).encode(),
    json.dumps(
        [{"email": f"a.{NUMBER}@firma.ro", "event": "bounce", "reason": TEXT}]
    ).encode(),
    json.dumps({"data": {"source_number": NUMBER, "message_text": TEXT}}).encode(),
    f'{{"{NUMBER}": "{WORDS}'.encode(),
    b"\xff" + WORDS.encode(),
    reply("uid-c", WORDS),
)
"""Of every shape a little; each holds canaries."""
THE_SERVERS: Final = "mail.log"
"""Where aiosmtpd, the other side, writes what it heard."""
LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)


@frozen
class Told:
    """Everything that a provider's calls left behind.

    Attributes:
        said: what was logged, shown, raised and counted.
        urls: targets of the requests that arrived.
        answers: by which each situation ended.
    """

    said: list[str] = field(factory=list)
    urls: list[str] = field(factory=list)
    answers: list[str] = field(factory=list)

    def show(self, *things: object) -> None:
        for one in things:
            self.said.extend((repr(one), str(one)))

    def raised(self, error: BaseException) -> None:
        self.said.append("".join(traceback.format_exception(error)))
        self.show(error)


def test_every_provider_that_is_built_in_is_searched() -> None:
    assert {one.name for one in CASES} == PROVIDERS.built_in
    assert {one.dialect for one in CASES} - {""} == set(DIALECT_CAN)
    assert {name for name in PROVIDERS if PROVIDERS[name].reader is None} == {"smtp"}


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_no_canary_is_logged_shown_raised_counted_or_asked_for(
    case: Case, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told, metrics = Told(), Metrics()

    with capture_logs() as logs:
        async with case.bench() as bench, opened(case, bench) as made:
            told.show(*made)
            for situation in Situation:
                await bench.arrange(situation)
                await everything(case, bench, metrics, told, situation)
            told.urls.extend(one.target for one in requests(bench))

    told.said.extend(logged(caplog))
    told.said.extend((json.dumps(logs, default=repr), *capfd.readouterr()))
    told.said.append(metrics.exposition().decode())
    kinds = {one.partition("(")[0] for one in told.answers}
    assert kinds >= {"Accepted", "NotAccepted", "UnknownOutcome"}
    assert ("Refused" in kinds) is case.refuses
    assert found([*case.secrets, WORDS, NUMBER], told.said) == []
    never = [] if case.all_in_url else [*case.secrets, WORDS]
    if not (case.number_in_url or case.all_in_url):
        never.append(NUMBER)
    assert found(never, told.urls) == []


@frozen
class Leaky:
    """A gateway that cannot keep anything to itself."""

    inner: Any
    secret: str

    async def send(self, letter: Parcel, within: timedelta) -> Answer:
        logging.getLogger("leak").debug("to %s", letter.to)
        structlog.get_logger("leak").info("leak", text=letter.text)
        answer: Answer = await self.inner.send(letter, within)
        return answer

    async def senders(self) -> Sequence[AccountSender]:
        raise Unavailable(quote(self.secret, safe=""))


async def test_what_a_gateway_lets_slip_is_found(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    case, told, metrics = CASES[0], Told(), Metrics()

    with capture_logs() as logs:
        async with case.bench() as bench, opened(case, bench) as _:
            bench.reachable = Leaky(bench.reachable, "canary/of a secret")
            await everything(case, bench, metrics, told, Situation.WELL)

    told.said.extend((json.dumps(logs), *logged(caplog)))
    seen = {one for one, _ in found(["canary/of a secret", WORDS, NUMBER], told.said)}
    assert seen == {"canary/of a secret", WORDS, NUMBER}


@pytest.mark.parametrize("case", [c for c in CASES if c.name != "smtp"], ids=str)
async def test_no_canary_of_a_delivery_leaves_by_an_answer_a_log_or_a_metric(
    case: Case, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = as_set(load(case.settings(None, "http://127.0.0.1:9")))[case.name]
    assert provider.reader is not None
    secret = Secret(WEBHOOK)
    by_token = provider.signs is None and not provider.by_header
    route = WebhookRoute(
        case.name,
        "default",
        provider.reader(),
        tokens=(secret,) if by_token else (),
        header_secrets=(secret,) if provider.by_header else (),
        signed=Credulous() if provider.signs else None,
        by_number=provider.by_number,
    )
    web, answers = Web(routes=[route]), []
    path = f"/webhooks/{case.name}"
    where = f"{path}/{WEBHOOK}" if by_token else path
    where += f"/{THEIRS}" if provider.by_number else ""

    with capture_logs() as logs:
        for raw in DELIVERIES:
            for known in (WEBHOOK, f"{WEBHOOK}x"):
                target = where.replace(WEBHOOK, known)
                answers.append(
                    await asked(
                        web.app,
                        "POST",
                        target,
                        content=raw,
                        headers={WEBHOOK_HEADER: known},
                    )
                )

    said = [json.dumps(logs, default=repr), *capfd.readouterr(), repr(route)]
    said += [f"{one.text} {one.headers}" for one in answers]
    said.append(web.metrics.exposition().decode())
    # the client by which this test knocks writes the paths it asks for
    said += [line.getMessage() for line in caplog.records if line.name != "httpx"]
    assert {one.status_code for one in answers} == {200, 401}
    assert found([WEBHOOK, WORDS, NUMBER], said) == []


@frozen
class Credulous:
    """Believes who knows the word, in the place of a signature."""

    def may_be(self, headers: Mapping[str, str], now: datetime) -> bool:
        del now
        return headers.get(WEBHOOK_HEADER.lower()) == WEBHOOK

    def is_theirs(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
        del raw
        return self.may_be(headers, now)


def found(canaries: list[str], places: list[str]) -> list[tuple[str, str]]:
    """Each canary that is somewhere, also as it stands in a URL, and where."""
    forms = {(one, form) for one in canaries for form in (one, quote(one, safe=""))}
    return [
        (one, place[:300]) for one, form in sorted(forms) for place in places
        if form in place
    ]  # fmt: skip


def logged(caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    for record in caplog.records:
        if record.name == THE_SERVERS:
            continue
        yield record.getMessage()
        yield repr(record.args)
        if record.exc_info and record.exc_info[1] is not None:
            yield "".join(traceback.format_exception(record.exc_info[1]))


def requests(bench: Any) -> list[Asked]:
    """What arrived at a double that speaks HTTP."""
    return list(getattr(bench.server, "asked", ()))


async def everything(
    case: Case, bench: Any, metrics: Metrics, told: Told, now: Situation
) -> None:
    """Send, and ask for all that this provider can be asked for."""
    gateway = bench.gateway
    letter = parcel(f"{TEXT} {now.name}")
    measured = Measured(gateway, provider_name(case.name), metrics)
    answer = await measured.send(letter, WITHIN)
    told.answers.append(repr(answer))
    told.show(answer, letter)
    questions: dict[str, tuple[Any, ...]] = {
        "look": (letter, LONG_AGO),
        "look_many": ([letter], LONG_AGO),
        "repeat": (letter, LONG_AGO, WITHIN),
        "send_many": ([letter], WITHIN),
        "statuses": (["ref-1"],),
        "senders": (),
        "domains": (),
        "examine": ([smtp_pool.DOMAIN],),
        "use": (),
        "lost": (LONG_AGO,),
        "register": (f"https://outreach.example/webhooks/x/{WEBHOOK}",),
    }
    for name, given in questions.items():
        method = getattr(gateway, name, None)
        if method is None:
            continue
        try:
            shown = await method(*given)
        except (Unavailable, Misconfigured) as error:
            told.raised(error)
        else:
            told.show(shown)
