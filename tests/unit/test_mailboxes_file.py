"""Mailboxes of our own in a senders file: their logins, and how slowly they begin."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from outreach.adapters.contacts import LibraryContacts
from outreach.domain.errors import Misconfigured
from outreach.domain.login import Login, Security
from outreach.domain.new_sender import NewSender
from outreach.entrypoints.senders_file import read_senders
from outreach.entrypoints.settings import load

SECRET: Final = "canary-in-a-file"
ROW: Final = '[[sender]]\nchannel = "EMAIL_COLD"\nprovider = "smtp"\n'
ANA: Final = ROW + 'address = "ana@firma.ro"\n'


def read(folder: Path, text: str, name: str = "s.toml") -> tuple[NewSender, ...]:
    path = folder / name
    path.write_text(text, "utf-8")
    return read_senders(
        path, LibraryContacts(), region="RO", time_zone="Europe/Bucharest"
    )


def test_a_mailbox_says_how_it_signs_in(tmp_path: Path) -> None:
    text = ANA + (
        'host = "mail.firma.ro"\nport = 465\nuser = "ana"\n'
        f'password = "{SECRET}"\nname = "Ana Pop"\nsecurity = "tls"\n'
    )

    (one,) = read(tmp_path, text)

    assert one.login == Login(
        "mail.firma.ro", 465, "ana", SECRET, "Ana Pop", Security.TLS
    )
    assert SECRET not in repr(one)


def test_a_password_may_be_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANA_PASSWORD", SECRET)
    (tmp_path / "secret").write_text(f"{SECRET}\n", "utf-8")
    path = tmp_path / "secret"
    for given in ('password_env = "ANA_PASSWORD"', f'password_file = "{path}"'):
        (one,) = read(tmp_path, f'{ANA}user = "ana"\n{given}\n')

        assert one.login is not None
        assert one.login.password == SECRET


def test_a_table_of_mailboxes_has_the_same_columns(tmp_path: Path) -> None:
    text = (
        "channel,provider,address,host,port,user,password,daily_limit,warm_up_days\n"
        f"EMAIL_COLD,smtp,ana@firma.ro,mail.firma.ro,587,ana,{SECRET},30,0\n"
        "EMAIL_COLD,smtp,ion@firma.ro,,,,,,\n"
    )

    ana, ion = read(tmp_path, text, "s.csv")

    assert ana.login == Login("mail.firma.ro", 587, "ana", SECRET)
    assert (ana.limits.total_per_day, ana.warm_up_days) == (30, 0)
    assert ion.login is None


def test_a_mailbox_begins_slowly_unless_its_row_says_otherwise(tmp_path: Path) -> None:
    (usual,) = read(tmp_path, ANA)
    (own,) = read(tmp_path, ANA + "warm_up_days = 28\nwarm_up_start = 8\n")
    (old,) = read(tmp_path, ANA + "warm_up_days = 0\n")
    (phone,) = read(tmp_path, '[[sender]]\nphone = "+40712345678"\nwarm_up_days = 9\n')

    assert (usual.warm_up_days, usual.warm_up_start) == (14, 5)
    assert (own.warm_up_days, own.warm_up_start) == (28, 8)
    assert old.warm_up_days == 0
    assert (phone.warm_up_days, phone.warm_up_start) == (9, 15)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (ANA + f'password = "{SECRET}"', "password is set and user is not"),
        (ANA + 'user = "ana"', "user is set and password is not"),
        (ANA + "password = 123456789", "password must be str"),
        (
            ANA + f'user = "a"\npassword = "{SECRET}"\npassword_env = "X"',
            "one thing: leave one out",
        ),
        (ANA + 'user = "a"\npassword_env = "NOT_THERE_X"', "'NOT_THERE_X' is not set"),
        (ANA + 'user = "a"\npassword_file = "/no/such"', "'/no/such' cannot be read"),
        (ANA + 'security = "ssl"', "give tls, starttls, none"),
        (ANA + "port = 70000", "70000 is no port"),
        (ANA + 'name = "a\\r\\nBcc: x"', "name has a control character"),
        (ANA + "warm_up_start = 0", "warm_up_start"),
        (
            '[[sender]]\nchannel = "EMAIL_COLD"\n' + f'password = "{SECRET}"',
            "password is not for channel EMAIL_COLD",
        ),
        (
            f'[[sender]]\nphone = "+40712345678"\npassword = "{SECRET}"',
            "password is not for channel WHATSAPP",
        ),
    ],
)
def test_a_login_that_cannot_be_is_refused_without_its_password(
    tmp_path: Path, rows: str, says: str
) -> None:
    with pytest.raises(Misconfigured) as told:
        read(tmp_path, rows)

    said = f"{told.value}{told.value.__cause__}"
    assert says in said
    assert "sender 1" in said
    assert SECRET not in said
    assert "123456789" not in said


# --- the settings of the pool


def test_the_pool_is_set_by_its_server_or_by_servers_of_its_mailboxes() -> None:
    none = load({}).smtp
    one = load({"OUTREACH_SMTP_HOST": "mail.firma.ro"}).smtp
    own = load({"OUTREACH_SMTP_OWN_SERVERS": "true"}).smtp

    assert [table.is_set for table in (none, one, own)] == [False, True, True]
    assert one.base_url == "smtp://mail.firma.ro:587"


def test_all_of_the_pool_can_be_set_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "outreach.toml"
    path.write_text(
        f"""
        [smtp]
        host = "mail.firma.ro"
        port = 465
        user = "pool"
        password = "{SECRET}"
        security = "tls"
        name = "Agro"
        hello = "out.firma.ro"
        bounce_domain = "back.firma.ro"
        dkim_selector = "s1, s2"
        dkim_keys = "/etc/keys"
        nameservers = "127.0.0.1:5353"
        blocklists = "dbl.example"
        rate = 2.5
        per_day = 9000
        """,
        "utf-8",
    )

    table = load({}, config=path).smtp

    assert table.password.reveal == SECRET
    assert SECRET not in repr(table)
    assert table.listed(table.dkim_selector) == ("s1", "s2")
    assert (table.allowance.rate, table.allowance.per_day) == (2.5, 9000)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "99999", "99999 is no port"),
        ("SECURITY", "ssl", "tls, starttls, none"),
        ("USER", "pool", "smtp.user is set and smtp.password is not"),
        ("PASSWORD", SECRET, "smtp.password is set and smtp.user is not"),
        ("DKIM_KEYS", "/etc/keys", "smtp.dkim_selector is not"),
        ("DKIM_SELECTOR", "s1 s2", "'s1 s2' is no name"),
        ("BOUNCE_DOMAIN", "a.ro, b.ro", "one domain"),
        ("BLOCKLISTS", "x y", "'x y' is no name"),
        ("HELLO", "a b", "'a b' is no name of a machine"),
    ],
)
def test_what_cannot_be_stops_the_start(name: str, value: str, says: str) -> None:
    with pytest.raises(Misconfigured) as told:
        load({f"OUTREACH_SMTP_{name}": value})

    assert says in str(told.value)
    assert SECRET not in str(told.value)
