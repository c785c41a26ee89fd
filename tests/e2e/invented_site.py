"""Files of a campaign over three channels that nobody has seen before, by a seed.

What must come of them is known: who is to be written to on which channel, and who is
not.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final

from attrs import frozen

__all__ = ["Invented", "invent"]

_HEADERS: Final = {
    "name": ("denumire", "Societatea", "Company", "Nume firmă"),
    "phone": ("telefon", "Nr. telefon", "Mobile phone", "Phone"),
    "email": ("email", "Adresă e-mail", "E-mail", "mail"),
    "basis": ("temei legal", "Temei legal"),
    "note": ("Observații", "Remarks", "suprafață"),
}
_BASES: Final = ("consimtamant", "Consimțământ", "client existent")
_NAMES: Final = ("Țărână", "Măgura", "Șesul Mare", "Vâlcea Agro", "Îngrășăminte", "Orz")
_SALUTES: Final = ("Bună ziua", "Salut", "Bună", "Stimată doamnă, stimate domn")
_WORDS: Final = ("altoi", "viță", "butași", "porumb", "grâu", "orz", "lucernă", "soia")
_NETWORKS: Final = ("721", "722", "731", "740", "741", "744", "754", "766")
_WRITINGS: Final = ("0{}", "+40{}", "0040{}", "(0{})", "40{}", "tel: 0{}")


@frozen
class Invented:
    """Paths of three files, and what they say.

    Attributes:
        by_phone: numbers (E.164) of leads whose first message goes by WhatsApp.
        by_mail: addresses of those who have no number and have agreed to mail.
        untouchable: addresses of those who have not.
        broken: rows of which no lead can be made.
        steps: of the sequence.
        phones: senders, E.164.
        warm: addresses of warm mailboxes.
    """

    leads: Path
    sequence: Path
    senders: Path
    by_phone: frozenset[str]
    by_mail: frozenset[str]
    untouchable: frozenset[str]
    broken: int
    steps: int
    phones: frozenset[str]
    warm: frozenset[str]


def invent(folder: Path, seed: int) -> Invented:
    """Write the files of a seed into *folder*."""
    rng = Random(f"three channels {seed}")
    domain = f"ferma{rng.randrange(10**6)}.example"
    # the first digits of networks that are really there
    numbers = [
        f"{rng.choice(_NETWORKS)}{one}"
        for one in rng.sample(range(100_000, 999_999), 30)
    ]
    with_phone, own = numbers[: rng.randint(8, 14)], numbers[20 : rng.randint(22, 24)]
    boxes = rng.sample(range(10**6), 60)
    agreed, not_agreed = boxes[: rng.randint(30, 45)], boxes[50 : rng.randint(52, 56)]
    rows = [
        # Some could be written to by mail, too: their number comes first.
        _row(rng, number, f"b{number}@firma{number}.ro" * rng.randint(0, 1))
        for number in with_phone
    ]
    rows += [_row(rng, "", f"birou@firma{one}.ro", agreed=True) for one in agreed]
    rows += [_row(rng, "", f"birou@firma{one}.ro") for one in not_agreed]
    broken = [{"name": "", "phone": "", "email": "", "basis": "", "note": "x"}] * 2
    rows += broken
    rng.shuffle(rows)
    steps = rng.randint(1, 2)
    made = Invented(
        folder / f"Lista {rng.randrange(1000)}.csv",
        folder / "secvența.toml",
        folder / "expeditori.toml",
        frozenset(f"+40{number}" for number in with_phone),
        frozenset(f"birou@firma{one}.ro" for one in agreed),
        frozenset(f"birou@firma{one}.ro" for one in not_agreed),
        len(broken),
        steps,
        frozenset(f"+40{number}" for number in own),
        frozenset(f"{one}@{domain}" for one in ("ana", "vlad")[: rng.randint(1, 2)]),
    )
    encoding = rng.choice(("utf-8", "utf-8-sig", "utf-16"))
    made.leads.write_bytes(_table(rng, rows).encode(encoding))
    made.sequence.write_text(_sequence(rng, steps), encoding="utf-8")
    made.senders.write_text(_senders(made), encoding="utf-8")
    return made


def _row(
    rng: Random, phone: str, email: str, *, agreed: bool = False
) -> dict[str, str]:
    return {
        "name": f"{rng.choice(_NAMES)} {rng.randrange(10**6)} SRL",
        "phone": rng.choice(_WRITINGS).format(phone) if phone else "",
        "email": rng.choice((str, str.upper))(email),
        "basis": rng.choice(_BASES) if agreed else "",
        "note": rng.choice(("", "sună după 5", "vechi")),
    }


def _table(rng: Random, rows: list[dict[str, str]]) -> str:
    separator = rng.choice(";\t|")
    columns = rng.sample(sorted(_HEADERS), len(_HEADERS))
    lines = [[rng.choice(_HEADERS[name]) for name in columns]]
    lines += [[row[name] for name in columns] for row in rows]
    end = rng.choice(("\n", "\r\n"))
    return end.join(separator.join(line) for line in lines) + end


def _sequence(rng: Random, steps: int) -> str:
    parts = [
        f'[sequence]\nname = "Campania {rng.randrange(10**6)} „viță”"',
        'primary_channel = "WHATSAPP"\nfallback_channel = "EMAIL_COLD"',
    ]
    for number in range(steps):
        delay = 0 if number == 0 else rng.randint(30, 60)
        parts += [
            f'[[step]]\nchannel = "WHATSAPP"\ndelay = {{ minutes = {delay} }}',
            f'template = "wa-{number}"\nfallback_template = "mail-{number}"',
        ]
    for number in range(steps):
        text = f"{_choice(rng, _SALUTES)}! {number + 1}. {_choice(rng, _WORDS)}, da?"
        for name, channel in (("wa", "WHATSAPP"), ("mail", "EMAIL_COLD")):
            parts += [
                f'[[template]]\nname = "{name}-{number}"\nchannel = "{channel}"',
                f'language = "ro"\ncontent = "{text} {_choice(rng, _WORDS)}."',
            ]
            if channel == "EMAIL_COLD":
                parts.append(f'subject = "{_choice(rng, _WORDS)} {number + 1}"')
    parts += [
        '[[template]]\nname = "reply-question"\nchannel = "EMAIL_WARM"',
        'language = "ro"\nsubject = "Re"',
        f'content = "{_choice(rng, _SALUTES)}! {{Revin|Răspund}} {{azi|mâine}}."',
    ]
    return "\n".join(parts) + "\n"


def _choice(rng: Random, of: tuple[str, ...]) -> str:
    return "{" + "|".join(rng.sample(of, 3)) + "}"


def _senders(made: Invented) -> str:
    parts = [
        f'[[sender]]\nphone = "{one}"\ndaily_limit = 20' for one in sorted(made.phones)
    ]
    parts.append('[[sender]]\nchannel = "EMAIL_COLD"\nprovider = "instantly"')
    parts += [
        f'[[sender]]\nchannel = "EMAIL_WARM"\nprovider = "resend"\naddress = "{one}"'
        for one in sorted(made.warm)
    ]
    return "\n".join(parts) + "\n"
