"""Tells what Amazon's topics of ours sent from what strangers send.

Verifying is pure; the certificate that a delivery names is learnt before, and a
subscription is confirmed after. A repetition is known by the key of its event: the
vendor repeats what we did not answer for hours, with the time and signature it had, so
that nothing is refused for its age.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from attrs import field, frozen

from outreach.adapters._http import HttpReply
from outreach.adapters.ses.certificates import FETCH_WITHIN, Certificates, ask
from outreach.adapters.ses.envelope import (
    TOPIC,
    Envelope,
    Kind,
    is_hosted,
    open_envelope,
)
from outreach.domain.errors import Misconfigured, Unavailable

__all__ = ["SnsSignatures", "signatures"]

_TYPE, _TOPIC = "x-amz-sns-message-type", "x-amz-sns-topic-arn"
_SUCCESS: Final = range(200, 300)


@frozen
class SnsSignatures:
    """Implements `Authenticates`, `LearnsKeys` and `ConfirmsSubscriptions` of
    :mod:`outreach.ports.incoming`; made by `signatures`.

    Attributes:
        topics: names (ARNs) of the topics that are believed.
    """

    topics: frozenset[str]
    certificates: Certificates = field(repr=False)

    def may_be(self, headers: Mapping[str, str], now: datetime) -> bool:
        """See `Authenticates.may_be`: a type of message, and a topic of ours."""
        del now  # what was not answered is repeated for hours
        return headers.get(_TYPE) in set(Kind) and headers.get(_TOPIC) in self.topics

    def is_theirs(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
        """See `Authenticates.is_theirs`; with a certificate that was not learnt, it is
        not.
        """
        envelope = self._of_ours(headers, raw)
        return envelope is not None and self.certificates.signed(envelope, now)

    async def learn(self, headers: Mapping[str, str], raw: bytes) -> None:
        """See `LearnsKeys.learn`."""
        envelope = self._of_ours(headers, raw)
        if envelope is not None and envelope.signature:
            await self.certificates.fetch(envelope)

    async def confirm(self, raw: bytes) -> None:
        """See `ConfirmsSubscriptions.confirm`: the address that the vendor gave is
        asked for, if it is at the vendor's. The end of a subscription is not: there the
        same address would begin it anew.
        """
        envelope = open_envelope(raw)
        if envelope is None or envelope.kind is not Kind.CONFIRM:
            return
        url = envelope.subscribe_url
        if envelope.topic not in self.topics or not is_hosted(url, envelope.topic):
            return
        split = urlsplit(url)
        host = self.certificates.stand_in or f"{split.scheme}://{split.netloc}"
        reply = await ask(
            host,
            f"{split.path or '/'}?{split.query}",
            self.certificates.user_agent,
            FETCH_WITHIN,
        )
        if not (isinstance(reply, HttpReply) and reply.status in _SUCCESS):
            message = "ses: a subscription of ours could not be confirmed"
            raise Unavailable(message)

    def _of_ours(self, headers: Mapping[str, str], raw: bytes) -> Envelope | None:
        """A delivery that says in its head what it says in its body."""
        envelope = open_envelope(raw)
        if envelope is None or envelope.topic not in self.topics:
            return None
        head = headers.get(_TYPE), headers.get(_TOPIC)
        return envelope if head == (envelope.kind, envelope.topic) else None


def signatures(
    topics: Sequence[str], *, user_agent: str, stand_in: str = ""
) -> SnsSignatures | None:
    """Read names of topics; None if there are none.

    Args:
        stand_in: base URL of what takes the place of the vendor's topics on this
            machine, for tests; empty: the vendor's own.

    Raises:
        Misconfigured: one of them is no topic's name.
    """
    for place, topic in enumerate(topics, 1):
        if TOPIC.fullmatch(topic) is None:
            message = (
                f"the {place}. of ses.topic_arns is no topic: give its ARN, such as "
                "arn:aws:sns:eu-west-1:123456789012:outreach"
            )
            raise Misconfigured(message)
    if not topics:
        return None
    return SnsSignatures(frozenset(topics), Certificates(user_agent, stand_in))
