"""Mailboxes that we send from are read by the logins that they send with."""

from __future__ import annotations

from typing import Any, Final

import pytest
from attrs import evolve
from tests.unit.cases import uid

from outreach.adapters.imap import Box, Security
from outreach.adapters.memory import MemoryClock, MemorySenders, MemoryStore
from outreach.domain.channel import Channel
from outreach.domain.ids import SenderId, tenant_id
from outreach.domain.login import Login
from outreach.domain.new_sender import NewSender
from outreach.domain.sender import SenderState
from outreach.entrypoints.imap_settings import ImapTable
from outreach.entrypoints.mailboxes import Boxes
from outreach.entrypoints.pool_boxes import PoolBoxes
from outreach.entrypoints.smtp_settings import SmtpTable
from outreach.entrypoints.talk_settings import Secret

TENANT: Final = tenant_id("default")
ANA, DAN, EVA = "ana@firma.ro", "dan@firma.ro", "eva@firma.ro"
IMAP: Final = ImapTable(host="imap.firma.ro")


class Logins:
    """In memory; promises nothing else."""

    def __init__(self) -> None:
        self.kept: dict[SenderId, Login] = {}

    async def login(self, sender: SenderId) -> Login | None:
        return self.kept.get(sender)

    async def keep(self, sender: SenderId, login: Login) -> None:
        self.kept[sender] = login


class Pool:
    """What a test has its hands on."""

    def __init__(
        self, *, smtp: SmtpTable | None = None, imap: ImapTable = IMAP
    ) -> None:
        numbers = iter(range(1, 1_000))
        store = MemoryStore(MemoryClock(), lambda: uid(next(numbers)))
        self.now = 0.0
        self.store = store
        self.senders = MemorySenders(store)
        self.logins = Logins()
        self.named: dict[str, Box] = {}
        self.boxes = PoolBoxes(
            Boxes(self.named),
            imap,
            smtp or SmtpTable(host="smtp.firma.ro"),
            TENANT,
            self.senders,
            self.logins,
            monotonic=lambda: self.now,
        )

    async def add(self, address: str, login: Login | None = None, **more: Any) -> None:
        given = {"provider": "smtp", "channel": Channel.EMAIL_COLD, **more}
        new = NewSender(number=address, time_zone="Europe/Bucharest", **given)
        (sender,) = await self.senders.import_(TENANT, [new])
        if login is not None:
            await self.logins.keep(sender.id, login)

    def set_state(self, address: str, state: SenderState) -> None:
        for lane in self.store.lanes.values():
            if lane.sender.number == address:
                lane.sender = evolve(lane.sender, state=state)


def login(user: str, password: str = "p") -> Login:
    return Login(user=user, password=password)


async def test_each_mailbox_is_read_by_its_own_login_and_no_other_provider_is() -> None:
    pool = Pool()
    await pool.add(ANA, login("ana"))
    await pool.add(DAN, login("dan", "q"))
    await pool.add(EVA, login("eva"), provider="resend", channel=Channel.EMAIL_WARM)

    found = await pool.boxes.boxes(await pool.boxes.names())

    assert [(box.name, box.user, box.password) for box in found] == [
        (ANA, "ana", "p"),
        (DAN, "dan", "q"),
    ]
    assert {(box.host, box.port) for box in found} == {("imap.firma.ro", 993)}
    assert {box.security for box in found} == {Security.TLS}
    assert "q" not in repr(found)


async def test_a_mailbox_without_a_login_has_that_of_the_pool_or_is_not_read() -> None:
    common = SmtpTable(host="h", user="all", password=Secret("w"))
    with_common, without = Pool(smtp=common), Pool()
    for pool in (with_common, without):
        await pool.add(ANA)

    (box,) = await with_common.boxes.boxes([ANA])

    assert (box.user, box.password) == ("all", "w")
    assert await without.boxes.boxes([ANA]) == []


async def test_what_a_file_says_goes_first_and_stays_beside() -> None:
    pool = Pool()
    await pool.add(ANA, login("ana"))
    own = Box(ANA, ANA, "other.ro", 143, "a", "b", Security.STARTTLS)
    all_of_them = Box("all", "", "other.ro", 993, "all", "c")
    pool.named.update({ANA: own, "all": all_of_them})

    names = await pool.boxes.names()

    assert names == ["all", ANA]
    assert list(await pool.boxes.boxes(names)) == [all_of_them, own]


async def test_a_new_password_holds_at_once_a_new_mailbox_after_a_minute() -> None:
    pool = Pool()
    await pool.add(ANA, login("ana"))
    await pool.boxes.names()
    await pool.add(ANA, login("ana", "new"))
    await pool.add(DAN, login("dan"))

    (box,) = await pool.boxes.boxes([ANA])
    soon = await pool.boxes.names()
    pool.now += 60
    later = await pool.boxes.names()

    assert box.password == "new"
    assert (soon, later) == ([ANA], [ANA, DAN])


async def test_a_retired_mailbox_is_not_read_and_one_that_is_offline_is() -> None:
    pool = Pool()
    for address, state in ((ANA, SenderState.RETIRED), (DAN, SenderState.OFFLINE)):
        await pool.add(address, login("u"))
        pool.set_state(address, state)

    assert await pool.boxes.names() == [DAN]


@pytest.mark.parametrize(
    ("port", "security", "expected"),
    [
        (143, "", Security.STARTTLS),
        (993, "starttls", Security.STARTTLS),
        (143, "tls", Security.TLS),
    ],
)
async def test_how_it_is_protected_is_as_the_settings_say(
    port: int, security: str, expected: Security
) -> None:
    pool = Pool(imap=ImapTable(host="h.ro", port=port, security=security))
    await pool.add(ANA, login("ana"))

    (box,) = await pool.boxes.boxes([ANA])

    assert (box.port, box.security) == (port, expected)
