"""A sender as a file names it, before the store has made or found it."""

from __future__ import annotations

from attrs import field, frozen, validators

from outreach.domain.budget import HARD_LIMIT
from outreach.domain.channel import Channel
from outreach.domain.limits import NO_LIMITS, Limits
from outreach.domain.login import Login
from outreach.domain.pacing import Pacing

__all__ = ["NewSender"]


@frozen
class NewSender:
    """A row of a senders file; the store makes or finds the sender.

    Attributes:
        number: E.164 of a phone, a mail address in lower case, or a name that stays
            (`Sender.number`).
        provider_account: the account's name at us, ``default`` if there is one.
        pacing: of a sender that is new; one that is known keeps its own.
        answers, channel: see `Sender`.
        warm_up_start: of the first day, if it warms up.
        login: of a mailbox of our own; None: the file names none.
    """

    number: str
    provider: str
    time_zone: str
    channel: Channel = Channel.WHATSAPP
    answers: bool = False
    label: str = ""
    provider_account: str = "default"
    account_ref: str = ""
    daily_limit: int = field(
        default=HARD_LIMIT,
        validator=[validators.ge(0), validators.le(HARD_LIMIT)],
    )
    priority: int = field(default=1, validator=validators.ge(1))
    warm_up_days: int = field(default=0, validator=validators.ge(0))
    warm_up_start: int = field(default=15, validator=validators.ge(1))
    limits: Limits = NO_LIMITS
    login: Login | None = None
    pacing: Pacing = field(default=Pacing())

    @pacing.validator
    def _of_its_channel(self, _: object, pacing: Pacing) -> None:
        pacing.demand(self.channel)
