"""`outreach worker` reads our mailboxes: what it is killed over is read by the next."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from tests.adapters.imap_server import ImapServer, serving
from tests.e2e.running import until
from tests.e2e.workers import KINDS, Workers, opened_workers

ANA: Final = "ana@mail.example.com"
LEAD: Final = "ion@ferma.example.ro"
PASSWORD: Final = "hunter2-of-ours"
ANSWER: Final = (
    f"From: <{LEAD}>\r\nTo: {ANA}\r\nMessage-ID: <r1@ferma.example.ro>\r\n"
    "Subject: Re: Irigare\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    "Da, ne interesează.\r\n"
).encode()


@contextmanager
def beside(server: ImapServer) -> Iterator[ImapServer]:
    """A server in a thread of its own."""
    begun, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(server):
            begun.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    begun.wait()
    try:
        yield server
    finally:
        over.set()
        thread.join()


@pytest.fixture
def server() -> Iterator[ImapServer]:
    made = ImapServer()
    made.account(ANA, PASSWORD).put(ANSWER)
    with beside(made):
        yield made
    assert made.violations == made.changes == []


@pytest.fixture
def workers(request: pytest.FixtureRequest, server: ImapServer) -> Iterator[Workers]:
    with opened_workers(request, leads=1, phones=1) as opened:
        opened.env |= {
            "OUTREACH_IMAP_HOST": "127.0.0.1",
            "OUTREACH_IMAP_PORT": str(server.port),
            "OUTREACH_IMAP_USER": ANA,
            "OUTREACH_IMAP_PASSWORD": PASSWORD,
            "OUTREACH_IMAP_SECURITY": "none",
        }
        file = opened.folder / "ion.csv"
        file.write_text(f"denumire;email\nFerma SRL;{LEAD}\n", encoding="utf-8")
        assert opened.call("leads", "import", file).status == 0
        yield opened


def warm(workers: Workers) -> int:
    state = "SELECT count(*) AS n FROM gold_lead_journey"
    found = workers.rows(f"{state} WHERE current_state = 'WARM_REPLY'")
    return int(found[0]["n"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_reads_a_reply_and_says_no_password(
    workers: Workers, kind: str
) -> None:
    with workers.worker(kind) as process:
        until(lambda: warm(workers) or not process.runs)
        assert process.runs, process.err

    assert warm(workers) == 1
    assert PASSWORD not in process.out + process.err
    assert LEAD not in process.out + process.err


def test_what_a_worker_is_killed_over_is_read_once_by_the_next(
    workers: Workers, server: ImapServer
) -> None:
    server.accounts[ANA].stalls = "UID FETCH"
    with workers.worker("outreach") as process:
        until(lambda: "UID FETCH" in server.commands or not process.runs)
        assert process.runs, process.err
        process.kill()
    places = workers.rows("SELECT * FROM mailbox_places")
    server.accounts[ANA].stalls = ""
    workers._execute(
        "UPDATE outreach.duties SET lease_until = clock_timestamp() WHERE kind = %s",
        ("MAILBOXES",),
    )

    with workers.worker("outreach") as process:
        until(lambda: warm(workers) or not process.runs)
        assert process.runs, process.err

    assert places == []
    assert warm(workers) == 1
    assert workers.rows("SELECT count(*) AS n FROM event_keys")[0]["n"] == 1


def test_a_mailbox_that_was_imported_to_send_is_read_with_its_login(
    workers: Workers,
) -> None:
    for name in ("USER", "PASSWORD"):
        del workers.env[f"OUTREACH_IMAP_{name}"]
    workers.env |= {
        "OUTREACH_SECRET_KEYS": "a-key-of-the-test-that-every-process-has",
        "OUTREACH_PUBLIC_URL": "https://mail.example",
        "OUTREACH_SMTP_HOST": "127.0.0.1",
        "OUTREACH_SMTP_SECURITY": "none",
        "OUTREACH_SMTP_DKIM_SELECTOR": "mail",
        "OUTREACH_SMTP_NAMESERVERS": "127.0.0.1:1",
    }
    file = workers.folder / "boxes.toml"
    file.write_text(
        f'[[sender]]\nchannel = "EMAIL_COLD"\nprovider = "smtp"\naddress = "{ANA}"\n'
        f'user = "{ANA}"\npassword = "{PASSWORD}"\n',
        encoding="utf-8",
    )
    assert workers.call("mailboxes", "import", file, **workers.env).status == 0

    with workers.worker("outreach") as process:
        until(lambda: warm(workers) or not process.runs)
        assert process.runs, process.err

    assert warm(workers) == 1
    assert PASSWORD not in process.out + process.err
