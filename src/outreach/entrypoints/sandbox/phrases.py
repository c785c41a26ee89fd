"""Kinds of replies, and what stands for them: phrases.toml has the words."""

from __future__ import annotations

import enum
import importlib.resources
import tomllib
from collections.abc import Mapping
from typing import Final

import attrs

__all__ = ["AUTOMATIC", "MEDIA", "PHRASES", "REACTIONS", "Media", "ReplyKind"]


class ReplyKind(enum.StrEnum):
    INTERESTED = "interested"
    QUESTION = "question"
    PRICE = "price"
    NOT_INTERESTED = "not_interested"
    WRONG_PERSON = "wrong_person"
    ANGRY = "angry"
    LEGAL_THREAT = "legal_threat"
    POLITE_OPT_OUT = "polite_opt_out"
    STOP = "stop"
    EMOJI = "emoji"
    NEUTRAL = "neutral"
    OUT_OF_OFFICE = "out_of_office"
    MEDIA = "media"


@attrs.frozen
class Media:
    filename: str
    mimetype: str
    content: bytes


AUTOMATIC: Final = frozenset({ReplyKind.OUT_OF_OFFICE})

REACTIONS: Final = ("👍", "❤️", "😂", "🙏", "😡")

MEDIA: Final = (
    Media("IMG-20261120-WA0004.jpg", "image/jpeg", b"\xff\xd8\xff\xd9"),
    Media("PTT-20261120-WA0011.ogg", "audio/ogg; codecs=opus", b"OggS\x00\x02"),
    Media("oferta semnata.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n"),
)

PHRASES: Final[Mapping[ReplyKind, Mapping[str, list[str]]]] = {
    ReplyKind(kind): languages
    for kind, languages in tomllib.loads(
        importlib.resources.files(__package__)
        .joinpath("phrases.toml")
        .read_text(encoding="utf-8")
    ).items()
}
