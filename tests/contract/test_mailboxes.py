"""Every reader of mailboxes keeps the promises of `ReadsMailboxes`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time

import pytest
from tests.adapters.imap_server import TODAY, ImapServer, serving
from tests.contract.promises import kept_by, promises_of

from outreach.adapters.imap import Box, ImapMailboxes, Security
from outreach.adapters.memory import MemoryMailboxes
from outreach.entrypoints.mailboxes import Boxes
from outreach.ports.mailboxes import Fault, ReadsMailboxes
from outreach.testing.mailboxes import ANA, DAN, MOST, MailboxesContract, Post

FOLDERS = {"received": "INBOX", "sent": "Sent Items"}


@pytest.fixture(params=["memory", "imap"])
async def post(request: pytest.FixtureRequest) -> AsyncIterator[Post]:
    if request.param == "memory":
        yield _in_memory()
        return
    async with serving(ImapServer()) as server:
        yield _by_imap(server)


def _in_memory() -> Post:
    reads = MemoryMailboxes(most=MOST)
    for address in (ANA, DAN):
        reads.open(address)

    async def fail(address: str, fault: Fault | None) -> None:
        reads.fail(address, fault)

    def rest_over() -> None:
        for box in reads.boxes.values():
            box.rests = 0

    return Post(reads, reads.put, reads.renumber, fail, rest_over, list)


def _by_imap(server: ImapServer) -> Post:
    accounts = {address: server.account(address) for address in (ANA, DAN)}
    seconds = [0.0]

    source = Boxes(
        {
            one: Box(one, one, "127.0.0.1", server.port, one, "s3cret", Security.NONE)
            for one in accounts
        }
    )

    async def fail(address: str, fault: Fault | None) -> None:
        account = accounts[address]
        account.refuses = "NO [AUTHENTICATIONFAILED] no"
        account.refuses = account.refuses if fault is Fault.REFUSED else ""
        account.hangs_up = "EXAMINE" if fault is Fault.AWAY else ""

    def rest_over() -> None:
        seconds[0] += 7_200

    def changes() -> list[str]:
        return [*server.changes, *server.violations]

    reads = ImapMailboxes(
        source,
        wall=lambda: datetime.combine(TODAY, time(9), UTC),
        monotonic=lambda: seconds[0],
        most_mails=MOST,
    )
    return Post(
        reads,
        lambda address, raw, folder: accounts[address].put(raw, FOLDERS[folder]),
        lambda address: accounts[address].renumber(),
        fail,
        rest_over,
        changes,
    )


class TestMailboxes(MailboxesContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(ReadsMailboxes) <= kept_by(MailboxesContract)
