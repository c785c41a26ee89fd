"""What an operator may set of a tenant: ``[tenant]`` of ``outreach.toml``."""

from __future__ import annotations

import re
from datetime import time
from typing import Final
from zoneinfo import available_timezones

from attrs import field, frozen

from outreach.domain.capacity import STOP_RATE
from outreach.domain.template import MINIMUM_VARIANTS
from outreach.domain.trial import Measure

__all__ = ["Hours", "TenantSettings"]

_COUNTRY: Final = re.compile("[A-Z]{2}")


@frozen
class Hours:
    """Working hours of the tenant's reviewers, Monday to Friday, local time."""

    opens: time = time(9)
    closes: time = time(18)
    wall_clock: bool = False


@frozen
class TenantSettings:
    """The default tenant.

    Attributes:
        whatsapp_provider: of phones whose file names none.
        stop_rate: share of leads that stop at each touch; by it phones take no more
            new contacts than they can follow up.
        minimum_variants: different texts that a template must give.
        links_in_first: a first WhatsApp message may hold links.
        pick_winners: the best version of a template is picked by itself.
        versions_by: what versions of a template are compared by.
    """

    name: str = "default"
    time_zone: str = field(default="Europe/Bucharest")
    country: str = field(default="RO")
    language: str = "ro"
    whatsapp_provider: str = "timelinesai"
    reviews: Hours = Hours()
    stop_rate: float = field(default=STOP_RATE)
    minimum_variants: int = field(default=MINIMUM_VARIANTS)
    links_in_first: bool = False
    pick_winners: bool = False
    versions_by: str = field(default=Measure.REPLIES.value)

    @stop_rate.validator
    def _share(self, _: object, rate: float) -> None:
        if not 0 <= rate <= 1:
            message = f"{rate} is no share: give 0 to 1"
            raise ValueError(message)

    @minimum_variants.validator
    def _some(self, _: object, minimum: int) -> None:
        if minimum < 1:
            message = f"{minimum} different texts are too few: give 1 or more"
            raise ValueError(message)

    @versions_by.validator
    def _measure(self, _: object, measure: str) -> None:
        allowed = [one.value for one in Measure]
        if measure not in allowed:
            message = f"{measure!r} is no measure: give one of {', '.join(allowed)}"
            raise ValueError(message)

    @time_zone.validator
    def _zone(self, _: object, zone: str) -> None:
        if zone not in available_timezones():
            message = f"{zone!r} is no time zone: give one such as Europe/Bucharest"
            raise ValueError(message)

    @country.validator
    def _country(self, _: object, country: str) -> None:
        if _COUNTRY.fullmatch(country) is None:
            message = f"{country!r} is no country: give two capital letters such as RO"
            raise ValueError(message)
