"""The call: one request to a provider, and one answer for each message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from outreach.domain.errors import ChannelSegregationError
from outreach.domain.ids import AccountId
from outreach.domain.message import Answer, NotAccepted, Parcel, UnknownOutcome
from outreach.domain.sender import SenderSignal
from outreach.domain.timing import Timing
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.gateway import Gateway, SendsMany

__all__ = ["HandOver"]


@frozen
class HandOver:
    """Gives armed messages to their account's gateway, several in one request."""

    gateways: Mapping[AccountId, Gateway]
    bulk: Mapping[AccountId, SendsMany]
    alerts: Alerts
    timing: Timing

    async def __call__(
        self, account: AccountId, parcels: Sequence[Parcel]
    ) -> Sequence[Answer]:
        """One answer per parcel, in order, whatever happens."""
        try:
            if len(parcels) == 1 and account in self.gateways:
                within = self.timing.call + self.timing.connect
                return [await self.gateways[account].send(parcels[0], within)]
            if len(parcels) > 1 and account in self.bulk:
                return await self._many(self.bulk[account], parcels)
        except ChannelSegregationError as error:
            return await self._segregated(parcels, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, it may have left
            says = f"defect in the gateway: {type(error).__name__}"
            return [UnknownOutcome(says)] * len(parcels)
        says = "no gateway for this account"
        return [NotAccepted(lane=True, detail=says)] * len(parcels)

    async def _many(
        self, gateway: SendsMany, parcels: Sequence[Parcel]
    ) -> Sequence[Answer]:
        within = self.timing.call + self.timing.connect
        answers = await gateway.send_many(parcels, within)
        if len(answers) == len(parcels):
            return answers
        # Whose answer is whose, nobody can tell.
        says = f"defect in the gateway: {len(answers)} answers for {len(parcels)}"
        return [UnknownOutcome(says)] * len(parcels)

    async def _segregated(
        self, parcels: Sequence[Parcel], says: str
    ) -> Sequence[Answer]:
        """A warm account was given a cold lead, or the other way (INV-8): nothing has
        left, and nothing more does by this sender until a person has looked.
        """
        sender = str(parcels[0].sender)
        await self.alerts.raise_(Alert("segregation.violation", sender, says))
        refused = NotAccepted(lane=True, detail=says, signal=SenderSignal.PAUSE)
        return [refused] * len(parcels)
