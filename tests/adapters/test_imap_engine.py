"""A mailbox in an engine over real stores: a report and a reply come in by IMAP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from attrs import evolve, frozen
from tests.adapters.imap_server import Account, ImapServer, serving
from tests.contract.postgres_world import world_over

from outreach.domain.bounce import RETURNED
from outreach.domain.change import DutyKind
from outreach.domain.channel import Channel, State
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import Incarnation, LeadId, account_id
from outreach.domain.mail_mark import mail_mark
from outreach.domain.message import Outcome
from outreach.domain.sender import Sender, SenderState
from outreach.entrypoints.engine import Engine, Urls, open_engine
from outreach.entrypoints.settings import ImapTable, Secret, Settings, load
from outreach.testing.invented import START
from outreach.testing.world import World

WHO: Final = Incarnation("test")
ANA: Final = "ana@mail.example.com"
PASSWORD: Final = "hunter2-of-ours"


@frozen
class Place:
    engine: Engine
    world: World
    account: Account
    box: Sender
    url: str

    async def mailed(self) -> tuple[LeadId, str]:
        """A lead that was sent a mail, and the id of that mail."""
        (phone,) = await self.world.phones()
        (lead,) = await self.world.line(phone, mail=True)
        call = await self.world.call_for(await self.world.mail(self.box, lead))
        await self.world.settle(call, Outcome.ACCEPTED)
        return lead, mail_mark(call.draft.parcel.attempt, ANA)

    async def works(self) -> None:
        """All that is due of the mailboxes, and then of the inbox."""
        parts = self.engine.container
        await self.engine.put_periodic_duties()
        await parts.do_duties()(WHO)
        while await parts.take_in()(WHO):
            pass

    def one(self, query: str) -> Any:
        with psycopg.connect(self.url, options="-c search_path=outreach") as asked:
            row = asked.execute(query.encode()).fetchone()
        return None if row is None else row[0]


@pytest.fixture
async def place(
    fresh_postgres_url: str, empty_redis_url: str, tmp_path: Path
) -> AsyncIterator[Place]:
    with psycopg.connect(fresh_postgres_url) as admin:
        turn = "UPDATE outreach.engine_clock SET position = %s, speed = 1"
        admin.execute(turn, (START,))
    server = ImapServer()
    account = server.account(ANA, PASSWORD)
    async with serving(server):
        table = ImapTable(
            host="127.0.0.1",
            port=server.port,
            user=ANA,
            password=Secret(PASSWORD),
            address=ANA,
            security="none",
        )
        settings = Settings(data_dir=str(tmp_path), imap=table)
        urls = Urls(fresh_postgres_url, empty_redis_url)
        async with open_engine(settings, urls, reach_providers=True) as engine:
            over = world_over(engine.container.database())
            world = evolve(over, tenant=engine.tenant)
            (box,) = await world.mailboxes(
                number=ANA,
                channel=Channel.EMAIL_COLD,
                provider="smtp",
                provider_account="default",
            )
            yield Place(engine, world, account, box, fresh_postgres_url)
    assert server.violations == server.changes == []


def report(mark: str, to: str) -> bytes:
    return f"""\
From: MAILER-DAEMON@mx.example.org
To: {ANA}
Message-ID: <b1@mx.example.org>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; {to}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 unknown

--b
Content-Type: text/rfc822-headers

Message-ID: {mark}
To: {to}
--b--
""".encode()


def answer(mark: str, by: str, text: str) -> bytes:
    head = f"From: <{by}>\r\nTo: {ANA}\r\nMessage-ID: <r1@example.org>\r\n"
    head += f"In-Reply-To: {mark}\r\nSubject: Re: Irigare\r\n"
    head += "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    return f"{head}{text}\r\n\r\nOn Monday Ana wrote:\r\n> Buna\r\n".encode()


async def test_a_report_marks_the_address_and_the_message(place: Place) -> None:
    lead, mark = await place.mailed()
    (known,) = await place.engine.container.journeys().load(place.engine.tenant, [lead])
    place.account.put(report(mark, known.email))

    await place.works()

    assert place.one("SELECT email_status FROM leads") == RETURNED
    status = "SELECT status FROM gold_communication_log WHERE direction = 'OUTBOUND'"
    assert place.one(status) == "BOUNCED"


async def test_a_reply_makes_the_lead_warm_and_a_person_is_asked(place: Place) -> None:
    lead, mark = await place.mailed()
    text = "Da, ne interesează. Cât costă?"
    place.account.put(answer(mark, "director@ferma.example.ro", text))

    await place.works()

    (known,) = await place.engine.container.journeys().load(place.engine.tenant, [lead])
    assert known.journey.state is State.WARM_REPLY
    assert known.review is not None
    assert known.review.trigger == text
    assert known.review.analysis is not None


async def test_what_is_none_of_our_business_is_not_stored(place: Place) -> None:
    await place.mailed()
    place.account.put(answer("<private@x.org>", "friend@x.org", "Pe diseară!"))

    await place.works()

    assert place.one("SELECT count(*) FROM raw_events") == 0
    assert place.one("SELECT number FROM mailbox_places WHERE folder = 'received'") == 1


async def test_the_engine_dies_before_a_place_is_moved_and_nothing_is_lost_or_doubled(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead, mark = await place.mailed()
    place.account.put(answer(mark, "director@ferma.example.ro", "Da."))
    reads = place.engine.container.mailboxes()

    class Killed(Exception):
        pass

    async def dies(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(type(reads.places), "move", dies)
    with pytest.raises(Killed):
        await reads(place.engine.tenant, 0)
    monkeypatch.undo()
    before = place.one("SELECT count(*) FROM mailbox_places")
    await place.works()

    (known,) = await place.engine.container.journeys().load(place.engine.tenant, [lead])
    assert before == 0
    assert place.one("SELECT count(*) FROM event_keys") == 1
    assert known.journey.reply_count == 1


async def test_a_mailbox_that_refuses_us_is_out_of_service(place: Place) -> None:
    place.account.password = "changed"

    await place.works()

    after = await place.world.senders.by_id(place.engine.tenant, place.box.id)
    assert after.state is SenderState.OFFLINE


async def test_what_is_due_is_one_duty_of_the_account_and_comes_again(
    place: Place,
) -> None:
    await place.works()
    await place.engine.put_periodic_duties()

    await place.world.advance_engine(place.engine.container.poll_every())
    due = await place.world.duties.take(WHO, 100)

    account = account_id(place.engine.tenant, "smtp", "default")
    keys = [duty.key for duty in due if duty.kind is DutyKind.MAILBOXES]
    assert keys == [f"{account}/0"]


# --- settings


def test_a_mailbox_is_set_by_a_table_or_the_environment() -> None:
    settings = load(
        {
            "OUTREACH_IMAP_HOST": "imap.example.com",
            "OUTREACH_IMAP_USER": ANA,
            "OUTREACH_IMAP_PASSWORD": PASSWORD,
            "OUTREACH_IMAP_POLL_SECONDS": "120",
        }
    )

    assert settings.imap.is_set
    assert settings.imap.poll_seconds == 120
    assert PASSWORD not in repr(settings)
    assert not Settings().imap.is_set


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("USER", ANA, "password"),
        ("PASSWORD", PASSWORD, "user"),
        ("PORT", "70000", "port"),
        ("SECURITY", "ssl3", "security"),
        ("POLL_SECONDS", "1", "poll_seconds"),
    ],
)
def test_half_a_login_and_wrong_values_are_refused(
    name: str, value: str, says: str
) -> None:
    with pytest.raises(Misconfigured, match=says) as error:
        load({f"OUTREACH_IMAP_{name}": value})

    assert PASSWORD not in str(error.value)
