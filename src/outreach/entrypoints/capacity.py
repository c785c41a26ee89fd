"""Whether the phones can do what an enrolment asks of them, before it is made."""

from __future__ import annotations

import structlog
from attrs import frozen

from outreach.domain.capacity import Demand, Plan, plan
from outreach.domain.channel import Channel
from outreach.domain.errors import Refused
from outreach.domain.sender import SendClass
from outreach.domain.sequence import Override, Sequence
from outreach.entrypoints.engine import Engine

__all__ = ["Fit", "fit"]

_log = structlog.get_logger(__name__)


@frozen
class Fit:
    """The answer.

    Attributes:
        leads: there are, at most all of which are enrolled.
        phones: that may start conversations.
        demand, plan: None without any phone.
        by_mail: no phone is needed: mailboxes are bounded by their budgets alone.
    """

    leads: int
    phones: int
    demand: Demand | None
    plan: Plan | None
    by_mail: bool = False

    @property
    def fits(self) -> bool:
        """Follow-ups would not fall further and further behind."""
        return self.by_mail or (self.plan is not None and self.plan.fits)

    def overridden(self, override: Override | None) -> Override | None:
        """What is recorded with the campaign: nothing if all of it fits.

        Raises:
            Refused: it does not fit, and nobody says that it shall be.
        """
        if self.fits:
            return None
        if override is None:
            message = f"{self.says()}. To enrol anyway: --override-capacity REASON"
            raise Refused(message)
        _log.warning(
            "capacity.overridden",
            reason=override.reason,
            by=override.by,
            says=self.says(),
        )
        return override

    def says(self) -> str:
        """The binding rule and the phones needed, in one sentence."""
        if self.by_mail:
            return f"{self.leads} leads go by mail, as the budgets of mailboxes allow"
        if self.plan is None or self.demand is None:
            return "no phone may start conversations: outreach phones import FILE"
        asked, found = self.demand, self.plan
        needed = found.senders_needed
        phones = "no number of phones" if needed is None else f"{needed} phones"
        return (
            f"{self.leads} leads on {self.phones} phones are {asked.new:.0f} new a day "
            f"each, which with {asked.followups} follow-ups need "
            f"{found.needed_per_sender_day:.1f} sends of a phone a day, and it has "
            f"{found.capacity_per_sender_day:.0f} (binding: {found.binding}); "
            f"{found.sustainable_new_per_sender_day:.1f} new a day can go on, "
            f"and {phones} would do"
        )


async def fit(
    engine: Engine, sequence: Sequence, *, stop_rate: float | None = None
) -> Fit:
    """Compare the leads there are with the phones there are (SPEC section 16).

    A phone's day takes at most its limit of new contacts, or its share of the leads
    if that is less; this many a day must be sustainable with the follow-ups they
    lead to.

    Args:
        stop_rate: share of leads that stop at each touch; None: as it is set.

    Raises:
        Misconfigured: *stop_rate* is not 0 to 1.
    """
    parts = engine.container
    if stop_rate is None:
        stop_rate = engine.settings.tenant.stop_rate
    leads: int = await parts.leads().count(engine.tenant)
    able = [
        use.sender
        for use in await parts.senders().all(engine.tenant)
        if use.sender.may(SendClass.NEW) and use.sender.daily_limit
    ]
    limits = [one.daily_limit for one in able if one.channel is Channel.WHATSAPP]
    asked = {channel for step in sequence.steps for channel in sequence.texts(step)}
    mailed = asked & {one.channel for one in able} - {Channel.WHATSAPP}
    if Channel.WHATSAPP not in asked or (not limits and mailed):
        return Fit(leads, len(limits), None, None, by_mail=True)
    if not limits:
        return Fit(leads, 0, None, None)
    demand = Demand(
        senders=len(limits),
        new=min(float(max(limits)), leads / len(limits)),
        followups=sequence.followups,
        stop_rate=stop_rate,
        limit=max(limits),
    )
    return Fit(leads, len(limits), demand, plan(demand))
