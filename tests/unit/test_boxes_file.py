"""The mailboxes that are read, as settings and a file name them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from outreach.adapters.imap import Box, Security
from outreach.domain.errors import Misconfigured
from outreach.entrypoints.cli.finding import Level
from outreach.entrypoints.cli.mailbox_checks import of_mailboxes
from outreach.entrypoints.imap_settings import ImapTable
from outreach.entrypoints.mailboxes import open_mailboxes, read_boxes
from outreach.entrypoints.settings import Settings
from outreach.entrypoints.surroundings import RunPlan, check_speed
from outreach.entrypoints.talk_settings import Secret

ANA = "ana@mail.example.com"


def boxes(
    tmp_path: Path, text: str, name: str = "boxes.toml", **facts: Any
) -> list[Box]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return list(read_boxes(ImapTable(mailboxes=str(path), **facts)))


def test_a_mailbox_of_the_settings_is_a_catch_all_unless_it_has_an_address() -> None:
    table = ImapTable(host="imap.example.com", user="all", password=Secret("p"))

    (box,) = read_boxes(table)

    assert (box.name, box.address, box.port) == ("all", "", 993)
    assert box.security is Security.TLS


def test_a_file_takes_what_it_does_not_say_from_the_settings(tmp_path: Path) -> None:
    text = f"""
[[mailbox]]
address = "{ANA}"
password = "one"

[[mailbox]]
address = "dan@other.example"
host = "imap.other.example"
port = 143
user = "dan"
password = "two"
"""

    ana, dan = boxes(tmp_path, text, host="imap.example.com", port=1993)

    assert (ana.user, ana.host, ana.port) == (ANA, "imap.example.com", 1993)
    assert ana.security is Security.STARTTLS
    assert (dan.user, dan.host, dan.port) == ("dan", "imap.other.example", 143)
    assert dan.security is Security.STARTTLS


def test_a_file_may_be_a_csv(tmp_path: Path) -> None:
    text = f"address;host;port;password\n{ANA};imap.example.com;993;p;\n"

    (box,) = boxes(tmp_path, text, "boxes.csv")

    assert (box.name, box.port, box.security) == (ANA, 993, Security.TLS)


def test_a_password_may_be_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("from-file\n", encoding="utf-8")
    monkeypatch.setenv("MAIL_PASSWORD", "from-env")
    text = f"""
[[mailbox]]
address = "{ANA}"
password_env = "MAIL_PASSWORD"

[[mailbox]]
address = "dan@mail.example.com"
password_file = "{tmp_path / "secret"}"
"""

    found = boxes(tmp_path, text, host="imap.example.com")

    assert [box.password for box in found] == ["from-env", "from-file"]
    assert "from-" not in repr(found)


def test_a_row_of_a_csv_has_no_more_cells_than_its_header(tmp_path: Path) -> None:
    text = f"address,password\n{ANA},s3,cret\n"

    with pytest.raises(Misconfigured, match="mailbox 1 has more cells") as error:
        boxes(tmp_path, text, "boxes.csv", host="imap.example.com")

    assert "cret" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no mailbox"),
        ("[[mailboxes]]\n", "only"),
        ("mailbox = 5\n", "only"),
        ('[[mailbox]]\naddress = "s3cret\n', "no TOML"),
        ('[[mailbox]]\npassword = "s3cret"\n', "address or user"),
        ('[[mailbox]]\naddress = "a@b.ro"\n', "no password"),
        (
            '[[mailbox]]\naddress = "a@b.ro"\npasword = "s3cret"\n',
            "unknown key 'pasword'",
        ),
        ('[[mailbox]]\naddress = "a@b.ro"\npassword = 5\n', "password must be str"),
        ('[[mailbox]]\naddress = "a@b.ro"\npassword = "s3cret"\nport = "x"\n', "port"),
        (
            '[[mailbox]]\nuser = "a"\npassword = "s3cret"\npassword_env = "X"\n',
            "one thing",
        ),
        ('[[mailbox]]\naddress = "a@b.ro"\npassword_env = "NOT_SET"\n', "not set"),
        ('[[mailbox]]\naddress = "a@b.ro"\npassword_file = "/none"\n', "be read"),
        (
            '[[mailbox]]\naddress = "a@b.ro"\npassword = "s3cret"\nsecurity = "none"\n',
            "this machine",
        ),
        (
            '[[mailbox]]\naddress = "a@b.ro"\npassword = "s3cret"\nsecurity = "ssl"\n',
            "ssl",
        ),
    ],
)
def test_a_wrong_file_is_named_with_the_way_out_and_without_secrets(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(Misconfigured, match=says) as error:
        boxes(tmp_path, text, host="imap.example.com")

    assert "boxes.toml" in str(error.value)
    assert "s3cret" not in str(error.value)


def test_a_server_is_needed_and_a_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no host"):
        boxes(tmp_path, '[[mailbox]]\naddress = "a@b.ro"\npassword = "p"\n')
    with pytest.raises(Misconfigured, match="not there"):
        list(read_boxes(ImapTable(mailboxes=str(tmp_path / "none.toml"))))


def test_one_mailbox_twice_is_refused(tmp_path: Path) -> None:
    row = f'[[mailbox]]\naddress = "{ANA}"\npassword = "p"\n'
    path = tmp_path / "boxes.toml"
    path.write_text(row + row, encoding="utf-8")

    with pytest.raises(Misconfigured, match="twice"):
        open_mailboxes(ImapTable(host="imap.example.com", mailboxes=str(path)))


def test_who_vouches_for_servers_must_be_a_file_of_certificates(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing", encoding="utf-8")
    table = ImapTable(
        host="imap.example.com", user="u", password=Secret("p"), ca_file=str(file)
    )

    with pytest.raises(Misconfigured, match="ca_file"):
        open_mailboxes(table)


# --- what is said of them


def test_doctor_says_what_is_read_and_what_is_wrong_with_the_file(
    tmp_path: Path,
) -> None:
    table = ImapTable(host="imap.example.com", user="all", password=Secret("s3cret"))
    wrong = ImapTable(mailboxes=str(tmp_path / "none.toml"))

    (fine,) = of_mailboxes(Settings(imap=table))
    (bad,) = of_mailboxes(Settings(imap=wrong))

    assert fine.level is Level.OK
    assert fine.says == (
        "1 are read, 1 of them for many addresses, at imap.example.com, by tls"
    )
    assert bad.level is Level.FAIL
    assert list(of_mailboxes(Settings())) == []


def test_time_runs_no_faster_than_a_real_server(tmp_path: Path) -> None:
    plan = RunPlan(data_dir=tmp_path, speed=1_500)
    near = ImapTable(host="127.0.0.1", user="all", password=Secret("p"))
    far = ImapTable(host="imap.example.com", user="all", password=Secret("p"))

    check_speed(Settings(imap=near), plan)
    with pytest.raises(Misconfigured, match="leave --speed out"):
        check_speed(Settings(imap=far), plan)
