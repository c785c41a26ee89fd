"""What a mail server's answer proves, by the stage of the conversation.

A message is accepted by the answer after the final dot and by nothing before it
(RFC 5321, 4.1.1.4 and 6.1). Until its first byte has left, nothing can have been
accepted; from then on, whatever is no answer of the server is unknown.

Whose fault a refusal is, its enhanced code says (RFC 3463), else the bare one and the
stage (`outreach.domain.bounce`): a recipient's is refused for good, ours takes the
mailbox out of service until a person has looked. A server's words are read for a wait
and never quoted: they hold addresses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Final

from attrs import frozen

from outreach.domain.bounce import BounceClass, classed, codes
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal

__all__ = ["LONGEST_WAIT", "TABLE", "Row", "Said", "Stage", "answer", "lost"]

LONGEST_WAIT: Final = timedelta(days=1)
"""What a server asks for beyond is not believed."""


class Stage(StrEnum):
    """How far a conversation came."""

    CONNECT = "connect"
    """Up to the server's greeting, TLS from the first byte included."""
    HELLO = "hello"
    TLS = "starttls"
    SIGN_IN = "sign-in"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    """The server is asked whether it takes a text; none of it has left."""
    TEXT = "text"
    """The text is on its way."""


@frozen
class Said:
    """What the server said last.

    Attributes:
        code: of its answer, such as 250; not 2xx to 5xx if it could not be read.
    """

    stage: Stage
    code: int
    words: str = ""

    @property
    def diagnostic(self) -> str:
        """Code and words, as reports have them."""
        return f"{self.code} {self.words}"

    @property
    def codes(self) -> str:
        """All that may be shown of it."""
        return codes(f"{self.code} {self.words[:_MOST_WORDS]}")


Make = Callable[[str, Said], Answer]

_MOST_WORDS: Final = 2_000
_2XX: Final = frozenset(range(200, 300))
_4XX: Final = frozenset(range(400, 500))
_5XX: Final = frozenset(range(500, 600))
_ALL: Final = frozenset(Stage)
_BEFORE: Final = frozenset({Stage.CONNECT, Stage.HELLO, Stage.TLS})
"""Nothing is known of the mailbox yet."""
_MAIL: Final = frozenset({Stage.RECIPIENT, Stage.DATA, Stage.TEXT})
_TEXT: Final = frozenset({Stage.TEXT})
_WAIT: Final = re.compile(
    r"\b(?:in|for|after|wait)\s{1,3}(\d{1,5})\s{0,3}(s|m|h|d)"
    r"(?:ec|in|our|ay|r)?(?:ond|ute)?s?\b",
    re.IGNORECASE | re.ASCII,
)
_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_THEIR_MAILBOX: Final = re.compile(r"(?<![\w.])4\.[12]\.\d{1,3}(?![\w.])")
"""An address or a mailbox that does not work for now."""
_OUR_ADDRESS: Final = re.compile(r"(?<![\w.])5\.1\.[78](?![\w.])")
"""Of all that is about addresses (5.1.x), these are about the sender's."""


@frozen(kw_only=True)
class Row:
    """Fits an answer if all that is named fits; what is left out fits anything.

    Attributes:
        name: goes into the detail of our answer.
        faults: whose fault its codes say it is.
        says: stands in the server's words.
    """

    name: str
    make: Make
    stages: frozenset[Stage] = _ALL
    codes: frozenset[int] = frozenset(range(-1, 1_000))
    faults: frozenset[BounceClass] | None = None
    says: re.Pattern[str] | None = None

    def fits(self, said: Said) -> bool:
        """Whether this row speaks about such an answer."""
        words = said.words[:_MOST_WORDS]
        return (
            said.stage in self.stages
            and said.code in self.codes
            and (self.faults is None or classed(f"{said.code} {words}") in self.faults)
            and (self.says is None or self.says.search(words) is not None)
        )


def answer(said: Said, ref: str) -> Answer:
    """What became of a message whose conversation ended with *said*.

    Args:
        ref: the message's own id, if it was accepted.
    """
    row = next(row for row in TABLE if row.fits(said))
    made = row.make(f"{said.stage}: {said.codes} {row.name}".replace("  ", " "), said)
    return Accepted(ref) if isinstance(made, Accepted) else made


def lost(stage: Stage, why: str) -> Answer:
    """What became of a message whose conversation broke off.

    Args:
        why: in our own words.
    """
    if stage is Stage.TEXT:
        return UnknownOutcome(f"{stage}: {why}")
    return NotAccepted(lane=True, detail=f"{stage}: {why}")


# --- what a row makes of an answer


def _accepted(_: str, __: Said) -> Answer:
    return Accepted("")


def _later(name: str, said: Said) -> Answer:
    return NotAccepted(lane=True, detail=name, retry_after=_asked(said.words))


def _alone(name: str, said: Said) -> Answer:
    """This message waits, the mailbox goes on."""
    return NotAccepted(lane=False, detail=name, retry_after=_asked(said.words))


def _resting(signal: SenderSignal) -> Make:
    return lambda name, _: NotAccepted(lane=True, detail=name, signal=signal)


def _nobody(name: str, _: Said) -> Answer:
    return Refused(Refusal.INVALID_RECIPIENT, name)


def _unknown(name: str, _: Said) -> Answer:
    return UnknownOutcome(name)


def _asked(words: str) -> timedelta | None:
    """``try again in 300 seconds``: how long, if it says so."""
    found = _WAIT.search(words[:_MOST_WORDS])
    if found is None:
        return None
    wait = int(found[1]) * _UNITS[found[2].lower()]
    return wait if timedelta() < wait <= LONGEST_WAIT else None


_locked_out: Final = _resting(SenderSignal.AUTH_FAILED)
_at_rest: Final = _resting(SenderSignal.DISCONNECTED)
_OURS: Final = frozenset({BounceClass.SENDER})
_THEIRS: Final = frozenset({BounceClass.RECIPIENT})
_QUOTA: Final = frozenset({552})
_SIGN_IN_FIRST: Final = frozenset({530})

TABLE: Final = (
    Row(name="accepted", make=_accepted, stages=_TEXT, codes=_2XX),
    # for now
    Row(
        name="this recipient not now",
        make=_alone,
        stages=_MAIL,
        codes=_4XX,
        says=_THEIR_MAILBOX,
    ),
    Row(name="not now", make=_later, codes=_4XX),
    # for good: what we are, or do
    Row(name="must sign in", make=_locked_out, codes=_SIGN_IN_FIRST),
    Row(
        name="sign-in not accepted",
        make=_locked_out,
        stages=frozenset({Stage.SIGN_IN}),
        codes=_5XX,
    ),
    Row(name="we are not wanted", make=_at_rest, codes=_5XX, faults=_OURS),
    Row(name="sender not accepted", make=_at_rest, codes=_5XX, says=_OUR_ADDRESS),
    Row(name="server takes nothing", make=_later, stages=_BEFORE, codes=_5XX),
    Row(
        name="sender not accepted",
        make=_at_rest,
        stages=frozenset({Stage.SENDER}),
        codes=_5XX,
    ),
    # for good: whom we write to
    Row(
        name="wrong recipient",
        make=_nobody,
        stages=_MAIL,
        codes=_5XX,
        faults=_THEIRS,
    ),
    Row(name="quota used up", make=_at_rest, stages=_MAIL, codes=_QUOTA),
    Row(name="refused, reason unclear", make=_alone, stages=_MAIL, codes=_5XX),
    # no answer of a mail server
    Row(name="unreadable answer", make=_unknown, stages=_TEXT),
    Row(name="unreadable answer", make=_later),
)
