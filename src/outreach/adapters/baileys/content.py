"""What is inside a message of WhatsApp's own format, as Baileys hands it on. No I/O."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from outreach.adapters.baileys.words import Json, part, plain

__all__ = ["Content", "content"]

_WRAPPED: Final = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
)
_MEDIA: Final = (
    "imageMessage",
    "videoMessage",
    "documentMessage",
    "audioMessage",
    "stickerMessage",
)
_SAID: Final = (
    ("extendedTextMessage", "text"),
    *((kind, "caption") for kind in _MEDIA),
    ("buttonsResponseMessage", "selectedDisplayText"),
    ("templateButtonReplyMessage", "selectedDisplayText"),
    ("listResponseMessage", "title"),
)
_DEEPEST: Final = 4


@frozen
class Content:
    """What a message says.

    Attributes:
        reacts_to: key of the message that it is a reaction to.
        is_news: it is about another message (taken back, edited), or about keys.
    """

    text: str = field(default="", repr=False)
    media: bool = False
    reacts_to: Json | None = field(default=None, repr=False)
    is_news: bool = False


def content(message: Json) -> Content:
    """Read ``{"conversation": ...}`` and its kin."""
    for _ in range(_DEEPEST):
        inner = next((one for one in _WRAPPED if part(message, one)), None)
        if inner is None:
            break
        message = part(message, inner, "message")
    if part(message, "reactionMessage"):
        return Content(reacts_to=part(message, "reactionMessage", "key"))
    told = [
        message.get("conversation"),
        *(part(message, kind).get(name) for kind, name in _SAID),
    ]
    text = next((plain(one) for one in told if isinstance(one, str) and one), "")
    media = any(isinstance(message.get(kind), dict) for kind in _MEDIA)
    is_news = not text and not media and _is_news(message)
    return Content(text, media=media, is_news=is_news)


def _is_news(message: Json) -> bool:
    about = (
        "protocolMessage",
        "editedMessage",
        "senderKeyDistributionMessage",
        "pollUpdateMessage",
        "pinInChatMessage",
        "keepInChatMessage",
    )
    return any(isinstance(message.get(one), dict) for one in about)
