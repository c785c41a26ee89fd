"""An account at Amazon SES on the fault server, and the adapter that speaks to it.

The account is strict: it checks each signature by lines of its own, holds each request
and each answer to the vendor's model, and takes no mail from a domain that it does not
know.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from attrs import define, evolve, field, frozen
from tests.aws_model import check_answer, check_request

from outreach.adapters.ses import Credentials, SesGateway, open_account
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.message import Answer, Parcel
from outreach.domain.stop import Stop
from outreach.ports.domains import AccountDomain
from outreach.ports.gateway import Again, Confirmed
from outreach.testing.fault_server import (
    Asked,
    FaultServer,
    Hangs,
    HangsUp,
    Reaction,
    Says,
    unused_url,
)
from outreach.testing.gateway import OURS, THEIRS, WAIT, Situation

__all__ = [
    "KEY",
    "REGION",
    "SECRET",
    "SET",
    "TOKEN",
    "Account",
    "SesBench",
    "WarmGateway",
    "error",
    "opened",
]

KEY: Final = "AKIACANARYCANARY1234"
SECRET: Final = "canary/secret+of40characters0000000000000"
TOKEN: Final = "canary-session-token"
REGION: Final = "eu-west-1"
SET: Final = "outreach-events"
_DOMAIN: Final = "warm.example"
_MAILS: Final = {
    OURS[0]: f"ion@{_DOMAIN}",
    OURS[1]: f"eva@{_DOMAIN}",
    THEIRS: "ana@firma.ro",
}
_EDGE: Final = b"<!DOCTYPE html><html><title>403 Forbidden</title></html>"
_CUT: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n{"
_SLOW_S: Final = 0.05
_SCOPE: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([a-z0-9-]+)/ses/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


def error(
    status: int, code: str, message: str = "No.", headers: dict[str, str] | None = None
) -> Says:
    """As the vendor writes one: its name is in a header."""
    named = {"x-amzn-ErrorType": code, **(headers or {})}
    return Says(status, {"message": message}, headers=named)


_ACCEPTED: Final[dict[Situation, Reaction]] = {
    Situation.BUSY_SOMEWHERE: Says(503, b"<html>upstream</html>"),
    Situation.BROKEN: error(500, "InternalFailure", "Internal failure"),
    Situation.SILENT: Hangs(),
    Situation.CUT_OFF: HangsUp(_CUT),
    Situation.RUBBISH: Says(200, b"\x00\xffOK"),
}
_REFUSED: Final[dict[Situation, Reaction]] = {
    Situation.RATE_LIMITED: error(
        429,
        "TooManyRequestsException",
        headers={"Retry-After": str(int(WAIT.total_seconds()))},
    ),
    Situation.RATE_LIMITED_SOMEHOW: Says(429, b"slow down"),
    Situation.BUSY: error(400, "SendingPausedException", "Sending is paused."),
    Situation.TURNED_AWAY: Says(403, _EDGE),
    Situation.LOST: HangsUp(),
}
_NO_KEY: Final = error(
    403, "UnrecognizedClientException", "The security token is invalid."
)


@define(eq=False)
class Account:
    """What the vendor holds.

    Attributes:
        mails: bodies of those that were accepted, with their ids; newest last.
        left: ids of those that left: the address was not suppressed.
        heeds: reasons for which its suppression list is heeded.
        set_heeds: the same of the configuration set; None: it says nothing.
        page: identities that a list gives at once.
    """

    situation: Situation = Situation.WELL
    mails: list[dict[str, Any]] = field(factory=list)
    left: list[str] = field(factory=list)
    blocked: dict[str, str] = field(factory=dict)
    domains: list[tuple[str, bool]] = field(factory=lambda: [(_DOMAIN, True)])
    sets: set[str] = field(factory=lambda: {SET})
    heeds: list[str] = field(factory=lambda: ["BOUNCE", "COMPLAINT"])
    set_heeds: list[str] | None = None
    sending: bool = True
    quota: dict[str, float] = field(
        factory=lambda: {
            "Max24HourSend": 50_000.0,
            "MaxSendRate": 14.0,
            "SentLast24Hours": 120.0,
        }
    )
    page: int = 100
    sends: int = 0

    def react(self, asked: Asked) -> Reaction:
        operation = check_request(asked)
        if not _is_signed(asked):
            return error(403, "SignatureDoesNotMatch", "The signature is another.")
        if operation == "SendEmail":
            return self._send(asked)
        if self.situation is Situation.KEY_REVOKED:
            return _NO_KEY
        if self.situation in {Situation.SILENT, Situation.CUT_OFF, Situation.LOST}:
            return (_ACCEPTED | _REFUSED)[self.situation]
        answer = _ROUTES[operation](self, asked)
        if isinstance(answer, Says):
            return answer
        check_answer(operation, answer)
        return Says(200, answer)

    def _send(self, asked: Asked) -> Reaction:
        self.sends += 1
        if self.situation is Situation.KEY_REVOKED:
            return _NO_KEY
        if self.situation in _REFUSED:
            return _REFUSED[self.situation]
        body = asked.json()
        refused = self._invalid(body)
        if refused is not None:
            return refused
        ref = self._accept(body)
        if self.situation in _ACCEPTED:
            return _ACCEPTED[self.situation]
        check_answer("SendEmail", {"MessageId": ref})
        slow = self.situation is Situation.SLOW
        return Says(200, {"MessageId": ref}, after_s=_SLOW_S if slow else 0.0)

    def _invalid(self, body: dict[str, Any]) -> Says | None:
        nobody = self.situation in {Situation.NOBODY_THERE, Situation.FIRST_REFUSED}
        (to,) = body["Destination"]["ToAddresses"]
        if nobody:
            return error(400, "BadRequestException", f"Illegal address: {to}")
        domain = body["FromEmailAddress"].rpartition("@")[2]
        if (domain, True) not in self.domains:
            says = (
                "Email address is not verified. The following identities failed the "
                f"check in region EU-WEST-1: {body['FromEmailAddress']}"
            )
            return error(400, "MessageRejected", says)
        if body.get("ConfigurationSetName", SET) not in self.sets:
            says = "Configuration set <x> does not exist."
            return error(404, "NotFoundException", says)
        for one in body["Content"]["Simple"]["Headers"]:
            # of the model's documentation, which its patterns do not say
            assert one["Value"].isascii()
            assert len(one["Name"]) + len(one["Value"]) <= 996
        for one in body["EmailTags"]:
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", one["Value"])
        return None

    def _accept(self, body: dict[str, Any]) -> str:
        ref = f"0102019abc-49a3999c-0ce1-4ea6-ab68-{len(self.mails):012d}-000000"
        self.mails.append({**body, "MessageId": ref})
        (to,) = body["Destination"]["ToAddresses"]
        heeded = self.heeds if self.set_heeds is None else self.set_heeds
        if self.blocked.get(to.lower()) not in heeded:
            self.left.append(ref)
        return ref

    def account(self, _asked: Asked) -> dict[str, Any]:
        return {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY" if self.sending else "SHUTDOWN",
            "ProductionAccessEnabled": True,
            "SendQuota": self.quota,
            "SendingEnabled": self.sending,
            "SuppressionAttributes": {"SuppressedReasons": self.heeds},
        }

    def configuration_set(self, asked: Asked) -> dict[str, Any] | Says:
        name = asked.path.rpartition("/")[2]
        if name not in self.sets:
            return error(404, "NotFoundException", "It does not exist.")
        options = (
            {} if self.set_heeds is None else {"SuppressedReasons": self.set_heeds}
        )
        return {"ConfigurationSetName": name, "SuppressionOptions": options}

    def identities(self, asked: Asked) -> dict[str, Any]:
        body = asked.json()
        start = int(body.get("NextToken", "0"))
        there = [
            {
                "IdentityType": "DOMAIN",
                "IdentityName": name,
                "SendingEnabled": ready,
                "VerificationStatus": "SUCCESS" if ready else "PENDING",
            }
            for name, ready in self.domains
        ]
        there.append(
            {
                "IdentityType": "EMAIL_ADDRESS",
                "IdentityName": "one@alone.example",
                "SendingEnabled": True,
                "VerificationStatus": "SUCCESS",
            }
        )
        found: dict[str, Any] = {"EmailIdentities": there[start : start + self.page]}
        if start + self.page < len(there):
            found["NextToken"] = str(start + self.page)
        return found

    def block(self, asked: Asked) -> dict[str, Any]:
        body = asked.json()
        self.blocked[body["EmailAddress"].lower()] = body["Reason"]
        return {}


_ROUTES: Final[dict[str, Callable[[Account, Asked], dict[str, Any] | Says]]] = {
    "GetAccount": Account.account,
    "GetConfigurationSet": Account.configuration_set,
    "ListEmailIdentities": Account.identities,
    "PutSuppressedDestination": Account.block,
}


def _is_signed(asked: Asked) -> bool:
    """By Signature Version 4, as the vendor's page has it."""
    found = _SCOPE.fullmatch(asked.headers.get("authorization", ""))
    if found is None or found[1] != KEY:
        return False
    _, _, day, region, names, signature = (found[0], *found.groups())
    named = names.split(";")
    must = {n for n in asked.headers if n.startswith("x-amz-")} | {"host"}
    must |= {"content-type"} & set(asked.headers)
    if set(named) != must or asked.headers.get("x-amz-security-token") != TOKEN:
        return False
    headers = "".join(f"{name}:{asked.headers[name]}\n" for name in named)
    canonical = "\n".join(
        [
            *(asked.method, quote(asked.path, safe="/~"), "", headers, names),
            hashlib.sha256(asked.body).hexdigest(),
        ]
    )
    scope = f"{day}/{region}/ses/aws4_request"
    text = "\n".join(
        [
            *("AWS4-HMAC-SHA256", asked.headers["x-amz-date"], scope),
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    made = f"AWS4{SECRET}".encode()
    for part in (day, region, "ses", "aws4_request"):
        made = hmac.digest(made, part.encode(), "sha256")
    right = hmac.digest(made, text.encode(), "sha256").hex()
    return region == REGION and hmac.compare_digest(right, signature)


@frozen
class WarmGateway:
    """The adapter, given the suites' parcels (of phones) as warm mail."""

    inner: SesGateway

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        return await self.inner.send(_warm(parcel), within)

    async def stop(self, stop: Stop) -> Confirmed | Again:
        return await self.inner.stop(stop)

    async def domains(self) -> list[AccountDomain]:
        return list(await self.inner.domains())


def _warm(parcel: Parcel) -> Parcel:
    return evolve(
        parcel,
        permit=Permit(Channel.EMAIL_WARM, State.WARM_REPLY),
        sender_number=_MAILS.get(parcel.sender_number, f"ion@{_DOMAIN}"),
        to=_MAILS.get(parcel.to, parcel.to),
        subject="Bună ziua",
    )


@define(eq=False)
class SesBench:
    """Implements `outreach.testing.gateway.Workbench`.

    Attributes:
        warms: give the adapter what the suites send as warm mail.
    """

    server: FaultServer
    account: Account
    reachable: SesGateway
    unreachable: SesGateway
    warms: bool = True

    @property
    def plain(self) -> SesGateway:
        gone = self.account.situation is Situation.UNREACHABLE
        return self.unreachable if gone else self.reachable

    @property
    def gateway(self) -> Any:
        return WarmGateway(self.plain) if self.warms else self.plain

    @property
    def arrivals(self) -> int:
        return self.account.sends

    @property
    def accepted(self) -> list[str]:
        simple = [mail["Content"]["Simple"] for mail in self.account.mails]
        return [one["Body"]["Text"]["Data"] for one in simple]

    async def arrange(self, situation: Situation) -> None:
        self.account.situation = situation

    async def own(self, domain: str, *, ready: bool) -> None:
        self.account.domains.append((domain, ready))

    async def let_go(self) -> list[str]:
        """What is accepted has left already."""
        return []


@contextlib.asynccontextmanager
async def opened(
    *, warms: bool = True, configuration_set: str = SET
) -> AsyncIterator[SesBench]:
    account = Account()
    credentials = Credentials(KEY, SECRET, REGION, TOKEN)
    async with FaultServer(account.react) as server:
        accounts = [
            open_account(
                credentials,
                configuration_set=configuration_set,
                base_url=url,
                user_agent="outreach tests",
            )
            for url in (server.url, unused_url())
        ]
        within = timedelta(seconds=0.5)
        there, nowhere = (SesGateway(one, ask_within=within) for one in accounts)
        yield SesBench(server, account, there, nowhere, warms)
        for one in accounts:
            await one.client.aclose()
