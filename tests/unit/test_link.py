"""The link of a mail: its line, its keys, and where it leads."""

from __future__ import annotations

import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import MARGIN, NOON, a_case, a_sender

from outreach.adapters.system.links import SignedLinks
from outreach.domain.case import Case
from outreach.domain.channel import Channel, State
from outreach.domain.decision import Reason, Verdict, decide
from outreach.domain.errors import Misconfigured
from outreach.domain.link import LINK_FIELD, spoken, with_link
from outreach.domain.outcome import draft_of, render, unsubscribe_link
from outreach.entrypoints import engine
from outreach.entrypoints.own_keys import link_keys
from outreach.entrypoints.providers import PROVIDERS
from outreach.entrypoints.settings import ProviderTable, Secret, Settings
from outreach.testing.links import LINK, token_of

URL = "https://mail.example/u/ro/token"
KEYS = ("the newest", "one before", "the oldest")


def a_mail(**facts: Any) -> Case:
    plain = a_case()
    template = plain.template
    assert template is not None
    intent = evolve(plain.intent, channel=Channel.EMAIL_COLD)
    found = evolve(
        plain,
        intent=intent,
        template=evolve(template, channel=Channel.EMAIL_COLD),
        to="ana@agro.example",
        unsubscribe=URL,
    )
    return evolve(found, **facts)


def written(content: str, **facts: Any) -> str | None:
    case = a_mail()
    assert case.template is not None
    return render(a_mail(template=evolve(case.template, content=content, **facts)))


# --- in the text


@pytest.mark.parametrize(
    ("language", "begins"),
    [
        ("ro", "Dacă nu mai doriți"),
        ("ru-RU", "Если вы больше не хотите"),
        ("EN", "If you do not want"),
        ("fr", "If you do not want"),
    ],
)
def test_the_link_is_the_last_line_in_the_language_of_the_text(
    language: str, begins: str
) -> None:
    text = written("Salut!", language=language)

    assert text is not None
    body, empty, last = text.split("\n")
    assert (body, empty) == ("Salut!", "")
    assert last.startswith(begins)
    assert last.endswith(f" {URL}")


def test_a_text_without_a_language_is_the_leads() -> None:
    case = a_mail(fields={**a_mail().fields, "language": "ru"})
    assert case.template is not None
    case = evolve(case, template=evolve(case.template, content="Hi", language=""))

    assert "отпишитесь" in (render(case) or "")


def test_a_template_may_say_where_the_link_stands() -> None:
    text = written("Salut! {{unsubscribe_link}} (oricând)")

    assert text == f"Salut! {URL} (oricând)"


def test_no_field_of_a_lead_stands_for_the_link() -> None:
    fields = {**a_mail().fields, LINK_FIELD: "https://evil.example"}
    case = a_mail(fields=fields)
    assert case.template is not None
    content = "Salut! {{unsubscribe_link}}"
    case = evolve(case, template=evolve(case.template, content=content))

    assert render(case) == f"Salut! {URL}"


def test_a_persons_reply_by_mail_carries_it_too() -> None:
    intent = evolve(a_mail().intent, text="Da, sigur.", channel=Channel.EMAIL_WARM)

    assert (render(a_mail(intent=intent, template=None)) or "").endswith(URL)


def test_whatsapp_has_no_such_line() -> None:
    case = evolve(a_case(), unsubscribe=URL)

    assert URL not in (render(case) or URL)
    assert unsubscribe_link(case) is None


def test_a_text_that_has_the_link_is_left_as_it_is() -> None:
    assert with_link(f"Hi {URL} bye", URL, "en") == f"Hi {URL} bye"
    assert with_link("Hi", "", "en") == "Hi"


def test_what_leaves_has_the_link_in_its_headers() -> None:
    case = a_mail(sender=a_sender())
    made = decide(case, NOON, margin=MARGIN)

    draft = draft_of(case, a_sender(), made, render(case) or "")

    assert draft.parcel.unsubscribe == URL
    assert URL in draft.parcel.text


def test_a_mail_without_a_link_waits_for_a_key() -> None:
    made = decide(a_mail(unsubscribe=""), NOON, margin=MARGIN)
    warm = evolve(a_case().journey, state=State.WARM_REPLY)
    message = evolve(a_case(), unsubscribe="", journey=warm)

    assert (made.verdict, made.binding) == (Verdict.HOLD, Reason.DOMAIN_NOT_READY)
    assert "OUTREACH_SECRET_KEYS" in made.flips[0].says
    assert decide(message, NOON, margin=MARGIN).verdict is Verdict.SEND


def test_languages_that_are_not_spoken_are_passed_over() -> None:
    assert spoken("", "fr", "ro-MD", "en") == "ro"
    assert spoken() == "en"


# --- signed


def links(*keys: str) -> SignedLinks:
    return SignedLinks(keys, "https://mail.example")


def test_the_newest_key_signs_and_all_are_read() -> None:
    token = token_of(links(*KEYS).url(LINK, "ro"))

    assert token == token_of(links(KEYS[0]).url(LINK, "ro"))
    for key in KEYS:
        assert links(*KEYS).read(token_of(links(key).url(LINK, "ro"))) == LINK
    assert links(*KEYS[1:]).read(token) is None, "a key that was taken out"


def test_without_a_key_there_is_no_link() -> None:
    assert links().url(LINK, "ro") == ""
    assert links().read(token_of(links("k").url(LINK, "ro"))) is None


def test_no_bit_of_a_token_can_be_flipped() -> None:
    ours = links("a key")
    token = token_of(ours.url(LINK, "ro")).encode()

    for place in range(len(token) * 8):
        flipped = bytearray(token)
        flipped[place // 8] ^= 1 << place % 8
        assert ours.read(flipped.decode("latin-1")) is None, place


def test_a_hundred_thousand_flipped_or_random_tokens_are_nobodys() -> None:
    ours, rng = links("a key"), random.Random(8058)
    raw = urlsafe_b64decode(token_of(ours.url(LINK, "ro")) + "==")
    size = len(raw)

    def changed() -> bytes:
        flipped = bytearray(raw)
        for _ in range(rng.choice((1, 1, 2, 9))):
            flipped[rng.randrange(size)] ^= 1 << rng.randrange(8)
        return bytes(flipped) if bytes(flipped) != raw else rng.randbytes(size)

    tokens = (
        urlsafe_b64encode(changed() if n % 2 else rng.randbytes(size)).decode()
        for n in range(100_000)
    )
    assert not any(ours.read(token.rstrip("=")) for token in tokens)


@pytest.mark.parses
@given(st.text())
def test_any_text_is_read_without_complaint(text: str) -> None:
    assert links("a key").read(text) is None


def test_a_key_is_never_shown() -> None:
    assert "a key" not in repr(links("a key"))


# --- where they lead, and what is said at start


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> None:
    """One provider more, that sends mail."""
    mail = evolve(PROVIDERS["timelinesai"], channels=frozenset({Channel.EMAIL_COLD}))
    monkeypatch.setattr(engine, "PROVIDERS", {**PROVIDERS, "timelinesai": mail})


def settings(**changes: Any) -> Settings:
    given = {
        "database_url": Secret("postgresql://x"),
        "redis_url": Secret("redis://x"),
        "secret_keys": Secret("a, b"),
        "public_url": "https://outreach.example/",
        "timelinesai": ProviderTable(api_key=Secret("key")),
    }
    return Settings(**{**given, **changes})


@pytest.mark.usefixtures("mails")
def test_mail_with_keys_and_a_place_to_lead_to_may_start() -> None:
    engine.check_mail(settings())
    engine.check_mail(settings(timelinesai=ProviderTable(), secret_keys=Secret("")))
    here = ProviderTable(api_key=Secret("key"), base_url="http://127.0.0.1:9")
    engine.check_mail(settings(public_url="", timelinesai=here))
    without = settings(public_url="", timelinesai=here, secret_keys=Secret(""))
    engine.check_mail(without)


@pytest.mark.usefixtures("mails")
@pytest.mark.parametrize(
    ("changes", "way_out"),
    [
        ({"secret_keys": Secret("")}, "set OUTREACH_SECRET_KEYS"),
        ({"public_url": ""}, "set OUTREACH_PUBLIC_URL"),
        ({"public_url": "http://localhost:8000"}, "set OUTREACH_PUBLIC_URL"),
        ({"public_url": "http://outreach.example"}, "begins with https://"),
    ],
)
def test_mail_without_them_says_so_at_start(
    changes: dict[str, Any], way_out: str
) -> None:
    with pytest.raises(Misconfigured, match=way_out):
        engine.check_mail(settings(**changes))


def test_keys_of_ones_own_serve_where_all_is_on_one_machine(tmp_path: Path) -> None:
    embedded = Settings()

    first = link_keys(embedded, tmp_path)
    again = link_keys(embedded, tmp_path)

    assert first == again
    assert len(first) == 1
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]
    assert link_keys(settings(secret_keys=Secret("")), tmp_path / "other") == ()
    assert link_keys(settings(), tmp_path) == ("a", "b")
    here = settings(secret_keys=Secret(""), public_url="")
    assert link_keys(here, tmp_path) == first
