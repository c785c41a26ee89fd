"""Reports in words only: qmail, Exim, Exchange, Gmail and the others that keep to no
standard. No I/O.

A report names who did not get the mail, says why on the lines beside, and then repeats
the mail. So the text is cut where the mail begins, and what is said of an address goes
on to the next one. If the report encloses the head of the mail, only addresses that
stand in its To are believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from outreach.adapters.imap.fields import named_in
from outreach.adapters.imap.returned import DELAYED, Returned, verdict

__all__ = ["loosely"]

MOST_LINES: Final = 400
_LONGEST_LINE: Final = 500
_LONGEST_WORDS: Final = 1_000
_MOST: Final = 20

_COPY_BEGINS: Final = re.compile(
    r"[\s>*=_-]{0,80}(?:"
    r"(?:this|below|here|attached|included|following) (?:\w{1,12} ){0,4}"
    r"(?:a copy|the (?:text|header|original|first)"
    r"|your (?:returned|original) (?:mail|me))"
    r"|(?:a )?copy of (?:the|your) |original (?:message|mail|headers?)\b"
    r"|(?:returned|old|unsent) (?:message|mail)\b"
    r"|(?:the )?(?:message|mail) (?:headers?|text|contents?) (?:follow|is|are)"
    r"|message headers?\b.{0,5}$|your (?:message|mail) (?:reads|follows)"
    r"|start of (?:returned|original)|below (?:this|the next) line"
    r"|(?:исходное|копия) (?:сообщени|письм)|mesajul original"
    r"|(?:return-path|received|message-id|x-[a-z-]{2,30}|mime-version): ?\S)",
    re.IGNORECASE,
)
_DELAYED: Final = re.compile(
    r"warning message only|has not yet been delivered|not yet been delivered"
    r"|still (?:be )?(?:trying|in the queue|undelivered)"
    r"|delivery (?:is|was|has been) del|delay(?:ed)? (?:mail|message|delivery)"
    r"|will (?:be retried|retry|continue|keep try)"
    r"|do not need to resend|attempts will (?:continue|be made)|delivery attempts",
    re.IGNORECASE,
)
_GAVE_UP: Final = re.compile(
    r"permanent(?:ly)? (?:error|fail|fatal)|giv(?:en|ing) up|will not be retried"
    r"|no further attempts",
    re.IGNORECASE,
)
_WORTH: Final = re.compile(r"[^\W\d_]{3}|\d{3}")
_OUR_LINES: Final = re.compile(
    r"\s{0,9}(?:from|to|cc|reply-to|sender|date|subject|return-path)\s{0,3}:",
    re.IGNORECASE,
)
_TO: Final = re.compile(r"\s{0,9}to\s{0,3}:", re.IGNORECASE)
_SERVERS: Final = re.compile(r"(?:postmaster|mailer-daemon)@")


def loosely(
    text: str, hints: Sequence[str], to: Sequence[str], not_theirs: frozenset[str]
) -> list[Returned]:
    """What a report in words says of each recipient.

    Args:
        hints: of ``X-Failed-Recipients``.
        to: of the mail that it encloses.
        not_theirs: who is no recipient: we, and the server that reports.
    """
    lines = _own_words(text)
    said = _by_address(lines, not_theirs)
    if hints:
        whom = [one for one in hints if one not in not_theirs]
    elif known := [one for one in said if one in to]:
        whom = known
    else:
        whom = list(said) or list(to) or _in_fields(lines, not_theirs)
    everything = " ".join(lines)
    late = _DELAYED.search(everything[: _LONGEST_WORDS * 3])
    over = _GAVE_UP.search(everything[: _LONGEST_WORDS * 3])
    action = DELAYED if late and not over else ""
    return [
        verdict(one, action, "", (said.get(one) or everything)[:_LONGEST_WORDS])
        for one in (whom or [""])[:_MOST]
    ]


def _own_words(text: str) -> list[str]:
    """The lines before the copy of the mail that came back."""
    kept: list[str] = []
    for written in text.split("\n", MOST_LINES)[:MOST_LINES]:
        line = written[:_LONGEST_LINE].strip()
        if _COPY_BEGINS.match(line) and kept and any("@" in one for one in kept):
            break
        kept.append(line)
    return kept


def _in_fields(lines: Sequence[str], not_theirs: frozenset[str]) -> list[str]:
    """Whom the mail was written to, where a report repeats a line of its head."""
    found = (one for line in lines if _TO.match(line) for one in named_in(line))
    return [one for one in found if one not in not_theirs]


def _by_address(lines: Sequence[str], not_theirs: frozenset[str]) -> dict[str, str]:
    """Each address that is named, with what is said until the next one."""
    said: dict[str, list[str]] = {}
    about: list[str] = []
    for line in lines:
        named = [] if _OUR_LINES.match(line) else named_in(line)
        theirs = [
            one for one in named if one not in not_theirs and not _SERVERS.match(one)
        ]
        about = theirs[:_MOST] or about
        for whom in about:
            words = said.setdefault(whom, [])
            if _WORTH.search(line):
                words.append(line)
        if len(said) > _MOST:
            break
    return {whom: " ".join(words) for whom, words in said.items()}
