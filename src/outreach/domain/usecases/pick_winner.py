"""Give new leads the best version of a template, once it is known to be the best."""

from __future__ import annotations

from attrs import field, frozen

from outreach.domain.ids import TemplateId, TenantId
from outreach.domain.trial import Measure, Ruling, judge
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.campaigns import Campaigns

__all__ = ["PickWinner"]


@frozen
class PickWinner:
    """What a person does by a command, done by itself where that is set.

    Attributes:
        allowed: False: only people pick.
        measure: what versions are compared by.
    """

    campaigns: Campaigns
    alerts: Alerts
    allowed: bool = False
    measure: Measure = field(default=Measure.REPLIES, converter=Measure)

    async def __call__(self, tenant: TenantId, template: TemplateId) -> Ruling | None:
        """What is to be said of the template; its winner is picked if there is one.

        None: nothing was looked at. A person's pick is never replaced.
        """
        if not self.allowed:
            return None
        trials = await self.campaigns.trials(tenant)
        trial = next((one for one in trials if one.template.id == template), None)
        if trial is None or trial.template.winner:
            return None
        found = judge(trial, self.measure)
        if found.winner is None:
            return found
        name = trial.template.name
        done = await self.campaigns.pick(
            tenant, name, found.winner, by="engine", instead=False
        )
        if done:
            says = f"template {name}: {found.says}"
            # Each is news, also where versions were compared before.
            await self.alerts.over("version.picked", str(template))
            await self.alerts.raise_(Alert("version.picked", str(template), says))
        return found
