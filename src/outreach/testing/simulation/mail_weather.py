"""What a seed draws of mail, in a quarter of the worlds; smaller ones in phones."""

from __future__ import annotations

import random
from typing import Final

from attrs import frozen

__all__ = ["Mail", "mail_of"]

_SHARE: Final = 0.25
_STRENGTHS: Final = (0.0, 0.3, 1.0, 3.0)


@frozen
class Mail:
    """Mail in a world. Rates are per day, chances 0 to 1.

    Attributes:
        only: leads with an address and no number; of the others every second one has
            an address, too.
        first: sequences begin by mail and fall back to WhatsApp, not the other way.
        answers: the campaign account can answer in its conversations.
        many: messages that one call to the campaign account takes.
        lost, silent, torn, refused: chance that a call never arrives, is accepted
            without an answer, is accepted in part without one, or is refused for now.
        unheard: chance that a write to a campaign, or a stop, has no answer.
        down: times a day at which a mail provider cannot be reached for a while.
        nobody: chance that an address leads nowhere: its mail comes back; unwanted:
            that it is refused when it is handed over.
        answering, leaving, complaining: chance that a reader replies, asks by link or
            button to be left alone, or complains.
        opened: breakers that people open in a day; aimed: chance that one is opened,
            or a reader leaves, in the very moment a message is claimed.
        held: chance that the provider itself stops a campaign that sends.
        spare: there is a second provider of warm mail.
    """

    only: int = 32
    first: bool = False
    answers: bool = True
    many: int = 20
    lost: float = 0.0
    silent: float = 0.0
    torn: float = 0.0
    refused: float = 0.0
    unheard: float = 0.0
    down: float = 0.0
    nobody: float = 0.0
    unwanted: float = 0.0
    answering: float = 0.0
    leaving: float = 0.0
    complaining: float = 0.0
    opened: float = 0.0
    aimed: float = 0.0
    held: float = 0.0
    spare: bool = False


def mail_of(seed: int) -> Mail | None:
    """The mail of *seed*; the same, always. None: a world of phones alone."""
    rng = random.Random(f"mail {seed}")
    if rng.random() >= _SHARE:
        return None

    def strength() -> float:
        return rng.choice(_STRENGTHS)

    return Mail(
        only=rng.choice((32, 40)),
        first=rng.random() < 0.4,
        answers=rng.random() < 0.5,
        many=rng.choice((3, 10, 20)),
        lost=0.05 * strength(),
        silent=0.05 * strength(),
        torn=0.05 * strength(),
        refused=0.03 * strength(),
        unheard=0.05 * strength(),
        down=0.5 * strength(),
        nobody=0.03 * strength(),
        unwanted=0.01 * strength(),
        answering=0.05 * strength(),
        leaving=0.02 * strength(),
        complaining=0.01 * strength(),
        opened=0.3 * strength(),
        aimed=0.02 * strength(),
        held=0.02 * strength(),
        spare=rng.random() < 0.5,
    )
