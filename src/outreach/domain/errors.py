"""Everything this package raises on purpose, by what the caller should do.

::

    OutreachError
    ├── RetryLater              the same call may pass later (says when, if known)
    │   ├── Unavailable         a store or provider did not answer: nothing happened
    │   └── AnswerLost          ... did not answer: perhaps it happened
    ├── Refused                 this message, lead or row never, as it stands
    │   ├── TemplateError
    │   ├── IllegalTransition   a person's command that the journey does not allow
    │   ├── ChannelSegregationError
    │   └── Stale               what was decided on has changed: look again
    ├── Misconfigured           fix a setting or a file, then start again
    │   └── NotMigrated
    ├── NotFound                no such lead, phone, review ...
    └── NeedsPerson             someone must look
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = [
    "AnswerLost",
    "ChannelSegregationError",
    "IllegalTransition",
    "Misconfigured",
    "NeedsPerson",
    "NotFound",
    "NotMigrated",
    "OutreachError",
    "Refused",
    "RetryLater",
    "Stale",
    "TemplateError",
    "Unavailable",
]


class OutreachError(Exception):
    """Root of the errors an embedding application may catch."""


class RetryLater(OutreachError):
    """The same call may pass later.

    Attributes:
        retry_after: how long to wait, if the other side said so.
    """

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(RetryLater):
    """A store or provider did not answer, and nothing happened."""


class AnswerLost(RetryLater):
    """A store did not answer; what was asked may have happened."""


class Refused(OutreachError):
    """This message, lead or row never, as it stands."""


class TemplateError(Refused):
    """A template cannot be read or rendered; names the place and the way out."""


class IllegalTransition(Refused):
    """A person's command that the journey does not allow."""


class ChannelSegregationError(Refused):
    """A warm send for a lead that never replied, or a cold one for one that did."""


class Stale(Refused):
    """What the command was based on has changed; look again and repeat it."""


class Misconfigured(OutreachError):
    """A setting, file or server is wrong; fix it, then start again."""


class NotMigrated(Misconfigured):
    """The database has not the tables this version needs; run ``outreach migrate``."""


class NotFound(OutreachError):
    """No such lead, phone, review item, ...; names what was looked for."""


class NeedsPerson(OutreachError):
    """Nothing a machine should decide by itself; someone must look."""
