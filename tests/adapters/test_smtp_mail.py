"""A mail as it leaves: read back, signed, and with no header but ours."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any, Final

import dkim
import pytest
from attrs import evolve
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.smtp_pool import as_mail

from outreach.adapters.smtp.mail import Mail, write
from outreach.adapters.smtp.signing import SIGNED, Key, Signer, load_keys
from outreach.domain.errors import Misconfigured
from outreach.domain.mail_mark import marked_attempts
from outreach.domain.message import Parcel, Refusal, Refused
from outreach.domain.return_path import attempt_returned
from outreach.testing.gateway import parcel

AT: Final = datetime(2026, 3, 3, 8, 0, 5, tzinfo=UTC)
LINK: Final = "https://mail.cold.example/u/ro/" + "aB3_-" * 40
PLAIN: Final = as_mail(parcel("Bună ziua!\n\nVă scriu despre grâu.\n"))
NAMES: Final = {
    *("from", "to", "subject", "date", "message-id", "in-reply-to", "references"),
    *("list-unsubscribe", "list-unsubscribe-post", "mime-version", "content-type"),
    "content-transfer-encoding",
}


def written(given: Parcel = PLAIN, **more: str) -> Mail:
    mail = write(given, AT, **more)
    assert isinstance(mail, Mail), mail
    return mail


def read(raw: bytes) -> EmailMessage:
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


@cache
def a_key(bits: int = 2048) -> bytes:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=bits)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def test_the_mail_says_what_the_parcel_says() -> None:
    given_ = evolve(
        PLAIN,
        subject="Ofertă de grâu pentru Agro Unu",
        thread="<one@firma.ro> <two@firma.ro>",
        unsubscribe=LINK,
    )

    mail = written(given_, name="Ion Țăran")
    found = read(mail.raw)

    assert found["From"].addresses[0].addr_spec == given_.sender_number
    assert found["From"].addresses[0].display_name == "Ion Țăran"
    assert [one.addr_spec for one in found["To"].addresses] == [given_.to]
    assert found["Subject"] == given_.subject
    assert found["Date"].datetime == AT
    assert found["Message-ID"] == mail.ref
    assert found["In-Reply-To"] == "<two@firma.ro>"
    assert found["References"].split() == ["<one@firma.ro>", "<two@firma.ro>"]
    assert found["List-Unsubscribe"] == f"<{LINK}>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found.get_content_type() == "text/plain"
    assert found.get_content_charset() == "utf-8"
    assert _lines(found.get_content()) == _lines(given_.text)
    assert f"List-Unsubscribe: <{LINK}>\r\n".encode() in mail.raw


def test_the_id_names_the_attempt_and_is_the_same_each_time() -> None:
    mail = written()

    assert marked_attempts([mail.ref]) == (PLAIN.attempt,)
    assert mail.ref.endswith("@cold.example>")
    assert written() == mail


def test_a_first_mail_answers_none_and_a_link_is_only_where_there_is_one() -> None:
    found = read(written(evolve(PLAIN, unsubscribe="", thread="")).raw)

    for name in ("In-Reply-To", "References", "List-Unsubscribe"):
        assert found[name] is None


def test_reports_go_to_an_address_of_the_mail_s_own_or_to_the_mailbox() -> None:
    own = written(bounce_domain="back.example")

    assert attempt_returned(own.returns_to, "back.example") == PLAIN.attempt
    assert written().returns_to == PLAIN.sender_number
    assert own.raw == written().raw


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"to": "ana@firma.ro, eva@firma.ro"}, Refusal.INVALID_RECIPIENT),
        ({"to": "ana@firma.ro\r\nBcc: x@y.ro"}, Refusal.INVALID_RECIPIENT),
        ({"to": "ana@firma.ro> SIZE=1"}, Refusal.INVALID_RECIPIENT),
        ({"to": "ană@firma.ro"}, Refusal.INVALID_RECIPIENT),
        ({"to": ""}, Refusal.INVALID_RECIPIENT),
        ({"sender_number": "+40720000001"}, Refusal.REJECTED),
        ({"sender_number": "a@b.ro\nX: y"}, Refusal.REJECTED),
        ({"subject": ""}, Refusal.REJECTED),
        ({"subject": "a\r\nBcc: x@y.ro"}, Refusal.REJECTED),
        ({"subject": "a\u2028b"}, Refusal.REJECTED),
        ({"subject": "a" * 999}, Refusal.REJECTED),
        ({"text": " \n"}, Refusal.REJECTED),
        ({"text": "a\x00b"}, Refusal.REJECTED),
        ({"text": "a\ud800"}, Refusal.REJECTED),
        ({"unsubscribe": "https://a.example/>\r\nX: y"}, Refusal.REJECTED),
        ({"unsubscribe": "mailto:a@b.ro"}, Refusal.REJECTED),
    ],
)
def test_what_no_server_should_get_is_refused_here(
    changes: dict[str, Any], kind: Refusal
) -> None:
    told = write(evolve(PLAIN, **changes), AT)

    assert isinstance(told, Refused)
    assert told.kind is kind


@pytest.mark.parametrize("name", ["a\r\nBcc: x@y.ro", "a\nb", "a\x00", "n" * 201])
def test_a_name_that_ends_its_line_is_refused(name: str) -> None:
    assert isinstance(write(PLAIN, AT, name=name), Refused)


_PARTS: Final = (
    *("\r\n", "\n", "\r", "\r\n.\r\n", "=?utf-8?q?=0A?=", "\x00", "\x0b", "\u2028"),
    *('"', "\\", "<", ">", ",", ":", ";", "(", "@", " ", "\t", ".", "=", "From "),
    *("Bcc: x@y.ro", "ș", "Ț", "🌾", "\ud800", "a" * 90, "\u00a0", "<a@b>"),
)
_TEXTS: Final = st.lists(
    st.one_of(st.sampled_from(_PARTS), st.text(max_size=5)), max_size=4
).map("".join)


@pytest.mark.parses
@given(
    subject=_TEXTS,
    text=_TEXTS,
    name=_TEXTS,
    thread=_TEXTS,
    link=st.one_of(st.just(LINK), _TEXTS),
    to=st.one_of(st.just("ana@firma.ro"), _TEXTS),
)
def test_no_text_makes_a_header_of_its_own(  # every part from a stranger at once
    *, subject: str, text: str, name: str, thread: str, link: str, to: str
) -> None:
    odd = evolve(
        PLAIN, subject=subject, text=text, thread=thread, unsubscribe=link, to=to
    )

    mail = write(odd, AT, name=name)

    if isinstance(mail, Refused):
        return
    found = read(mail.raw)
    keys = [key.lower() for key in found]
    assert set(keys) <= NAMES
    assert len(keys) == len(set(keys))
    assert found["To"] == to
    assert len(found["From"].addresses) == 1
    assert found["From"].addresses[0].addr_spec == PLAIN.sender_number
    assert _same(found["Subject"], subject)
    assert _same(found["From"].addresses[0].display_name, name)
    assert _lines(found.get_content()) == _lines(text)
    assert mail.raw.isascii()
    lines = mail.raw.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(map(len, lines)) <= 998


def _same(one: str, other: str) -> bool:
    """Blanks are a matter of folding."""
    return "".join(str(one).split()) == "".join(other.split())


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")


# --- signatures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cold.example.pem").write_bytes(a_key())
    return tmp_path


def _verified(raw: bytes, key: Key) -> bool:
    def record(name: bytes, **_: object) -> bytes:
        assert name == b"s1._domainkey.cold.example."
        return b"v=DKIM1; k=rsa; p=" + key.public.encode()

    verdict: bool = dkim.verify(raw, dnsfunc=record)
    return verdict


def test_a_signature_is_believed_and_a_changed_mail_is_not(folder: Path) -> None:
    keys = load_keys(folder)
    given_ = evolve(PLAIN, thread="<one@firma.ro>")
    raw = Signer(("s1", "s2"), keys).sign(written(given_).raw, "cold.example")
    key = keys["cold.example"]

    assert _verified(raw, key)
    for what, instead in (
        (b"One-Click", b"Two-Click"),
        (b"List-Unsubscribe: <https://mail", b"List-Unsubscribe: <https://evil"),
        (b"Subject: ", b"Subject: Re "),
        (b"V=C4=83 scriu", b"V=C4=83 scrie"),
        (b"From: ", b"From: x@evil.example\r\nFrom: "),
        (b"Subject: ", b"Subject: evil\r\nSubject: "),
        (b"To: ", b"To: x@evil.example\r\nTo: "),
        (b"<one@firma.ro>", b"<two@firma.ro>"),
    ):
        assert what in raw
        assert not _verified(raw.replace(what, instead, 1), key), what


def _verified_again(raw: bytes, public: str) -> bool:
    """RFC 6376 read by another: relaxed/relaxed, without a line of dkimpy."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = [
        (name.strip().lower(), b" ".join(value.split()))
        for name, _, value in (
            one.partition(b":") for one in re.split(rb"\r\n(?![ \t])", head)
        )
    ]
    (signature,) = [value for name, value in fields if name == b"dkim-signature"]
    tag = {
        name.strip(): value.replace(b" ", b"")
        for name, _, value in (one.partition(b"=") for one in signature.split(b";"))
    }
    lines = [re.sub(rb"[ \t]+", b" ", one).rstrip() for one in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    text = b"".join(one + b"\r\n" for one in lines)
    if base64.b64decode(tag[b"bh"]) != hashlib.sha256(text).digest():
        return False
    left, signed = list(fields), b""
    for wanted in tag[b"h"].lower().split(b":"):
        for at in range(len(left) - 1, -1, -1):
            if left[at][0] == wanted:
                signed += wanted + b":" + left.pop(at)[1] + b"\r\n"
                break
    signed += b"dkim-signature:" + re.sub(rb"\bb=[^;]*", b"b=", signature).strip()
    key = serialization.load_der_public_key(base64.b64decode(public))
    assert isinstance(key, rsa.RSAPublicKey)
    try:
        key.verify(
            base64.b64decode(tag[b"b"]), signed, padding.PKCS1v15(), hashes.SHA256()
        )
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize(
    "text", ["Bună!", "a  b \t\n\n\n", ".\n\n.\n", "x" * 500, "\n\nlate\n"]
)
def test_a_second_reader_believes_it_too(folder: Path, text: str) -> None:
    keys = load_keys(folder)
    public = keys["cold.example"].public
    given_ = evolve(PLAIN, text=text, subject="ș" * 60, thread="<one@firma.ro>")
    raw = Signer(("s1",), keys).sign(written(given_).raw, "cold.example")

    assert _verified_again(raw, public)
    assert not _verified_again(raw.replace(b"One-Click", b"Two-Click"), public)
    assert not _verified_again(raw + b"more\r\n", public)
    assert not _verified_again(b"From: x@evil.example\r\n" + raw, public)


def test_all_headers_of_ours_are_signed(folder: Path) -> None:
    given_ = evolve(PLAIN, thread="<one@firma.ro>")
    raw = Signer(("s1",), load_keys(folder)).sign(written(given_).raw, "cold.example")

    signature = read(raw)["DKIM-Signature"]

    assert set(SIGNED) == NAMES
    signed = signature.split("h=")[1].split(";")[0].replace(" ", "").split(":")
    assert set(signed) == NAMES


def test_another_domain_s_mail_is_left_as_it_is(folder: Path) -> None:
    raw = written().raw

    assert Signer(("s1",), load_keys(folder)).sign(raw, "other.example") == raw
    assert Signer().sign(raw, "cold.example") == raw


def test_no_key_is_shown(folder: Path) -> None:
    keys = load_keys(folder)

    shown = repr(Signer(("s1",), keys)) + repr(keys)

    assert "PRIVATE" not in shown
    assert "MII" not in shown.replace(keys["cold.example"].public, "")


def test_a_key_that_cannot_be_used_is_told_without_it(tmp_path: Path) -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for content in (b"no key", b"", elliptic, a_key().replace(b"MII", b"XII", 1)):
        path = tmp_path / "cold.example.pem"
        path.write_bytes(content)

        with pytest.raises(Misconfigured) as told:
            load_keys(tmp_path)

        assert str(path) in str(told.value)
        assert "MII" not in str(told.value)
    with pytest.raises(Misconfigured, match="no DKIM key in"):
        load_keys(tmp_path / "empty")


def test_a_mail_of_another_time_is_another_mail() -> None:
    later = write(PLAIN, AT + timedelta(seconds=1))

    assert isinstance(later, Mail)
    assert later.ref == written().ref
    assert later.raw != written().raw
