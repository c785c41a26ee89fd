"""Every provider that is built in, opened from settings as a worker opens it, over its
double on loopback.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from attrs import evolve, frozen
from tests.contract import (
    baileys_gateways,
    instantly_workspace,
    resend_account,
    sendgrid_account,
    ses_account,
    smtp_pool,
    timelines_workspace,
    wamm_account,
)
from tests.contract.baileys_gateways import ApiHouse, EvolutionHouse, WahaHouse
from tests.name_server import SELECTOR

from outreach.adapters.memory.clock import MemoryClock
from outreach.adapters.memory.logins import MemoryLogins
from outreach.domain.ids import TenantId
from outreach.entrypoints.providers import House, as_set
from outreach.entrypoints.settings import Settings, load
from outreach.testing.fault_server import unused_url

__all__ = ["CASES", "WEBHOOK", "WITHIN", "Case", "opened"]

WEBHOOK: Final = "canary-of-the-webhook-secret"
SIGNING: Final = f"whsec_{base64.b64encode(b'canary-of-a-signature!!!').decode()}"
TENANT: Final = TenantId(UUID(int=1))
WITHIN: Final = timedelta(seconds=0.5)


@frozen
class Case:
    """A provider, and where it is played.

    Attributes:
        bench: opens the double.
        settings: its settings by the names of the environment, with canaries.
        secrets: what of them must not be seen.
        number_in_url: the vendor names the other side in the URL of a call.
        all_in_url: the text and the credentials, too.
        refuses: its answers can tell that a message will never be taken.
    """

    name: str
    bench: Callable[[], AbstractAsyncContextManager[Any]]
    settings: Callable[[Any, str], Mapping[str, str]]
    secrets: tuple[str, ...]
    dialect: str = ""
    number_in_url: bool = False
    all_in_url: bool = False
    refuses: bool = True

    def __str__(self) -> str:
        return self.dialect or self.name


def simple(name: str, key: str, path: str = "", **more: str) -> Any:
    """Settings of a provider with a key and a base URL."""

    def made(_: Any, url: str) -> Mapping[str, str]:
        facts = {"api_key": key, "base_url": url + path, **more}
        return {f"OUTREACH_{name}_{k}".upper(): v for k, v in facts.items()}

    return made


def of_ses(_: Any, url: str) -> Mapping[str, str]:
    return {
        "OUTREACH_SES_ACCESS_KEY_ID": ses_account.KEY,
        "OUTREACH_SES_SECRET_ACCESS_KEY": ses_account.SECRET,
        "OUTREACH_SES_SESSION_TOKEN": ses_account.TOKEN,
        "OUTREACH_SES_REGION": ses_account.REGION,
        "OUTREACH_SES_CONFIGURATION_SET": ses_account.SET,
        "OUTREACH_SES_BASE_URL": url,
    }


def of_smtp(bench: Any, url: str) -> Mapping[str, str]:
    port = url.rpartition(":")[2] if url else str(bench.server.port)
    return {
        "OUTREACH_SMTP_HOST": "127.0.0.1",
        "OUTREACH_SMTP_PORT": port,
        "OUTREACH_SMTP_SECURITY": "none",
        "OUTREACH_SMTP_USER": smtp_pool.USER,
        "OUTREACH_SMTP_PASSWORD": smtp_pool.PASSWORD,
        "OUTREACH_SMTP_HELLO": "[127.0.0.1]",
        "OUTREACH_SMTP_DKIM_SELECTOR": SELECTOR,
        "OUTREACH_SMTP_NAMESERVERS": bench.names.address,
    }


def gateway(house: Any, dialect: str) -> Case:
    key = baileys_gateways.KEY
    return Case(
        "baileys",
        lambda: baileys_gateways.opened(house()),
        simple("baileys", key, dialect=dialect, webhook_secret=WEBHOOK),
        (key, WEBHOOK),
        dialect=dialect,
        number_in_url=True,
    )


CASES: Final = (
    Case(
        "timelinesai",
        timelines_workspace.opened,
        simple(
            "timelinesai",
            timelines_workspace.KEY,
            timelines_workspace.PREFIX,
            webhook_secret=WEBHOOK,
        ),
        (timelines_workspace.KEY, WEBHOOK),
        number_in_url=True,
    ),
    gateway(ApiHouse, "baileys-api"),
    gateway(WahaHouse, "waha"),
    gateway(EvolutionHouse, "evolution"),
    Case(
        "wamm",
        wamm_account.opened,
        simple("wamm", wamm_account.KEY, "/api", webhook_secret=WEBHOOK),
        (wamm_account.KEY, WEBHOOK, *wamm_account.INSTANCES.values()),
        all_in_url=True,
        refuses=False,
    ),
    Case(
        "instantly",
        instantly_workspace.opened,
        simple("instantly", instantly_workspace.KEY, webhook_secret=WEBHOOK),
        (instantly_workspace.KEY, WEBHOOK),
    ),
    Case(
        "smtp",
        smtp_pool.opened,
        of_smtp,
        (
            smtp_pool.PASSWORD,
            base64.b64encode(smtp_pool.PASSWORD.encode()).decode(),
            base64.b64encode(
                f"\0{smtp_pool.USER}\0{smtp_pool.PASSWORD}".encode()
            ).decode(),
        ),
    ),
    Case(
        "resend",
        resend_account.opened,
        simple("resend", resend_account.KEY, webhook_secret=SIGNING),
        (resend_account.KEY, SIGNING, SIGNING.removeprefix("whsec_")),
    ),
    Case(
        "ses",
        ses_account.opened,
        of_ses,
        (ses_account.KEY, ses_account.SECRET, ses_account.TOKEN),
    ),
    Case(
        "sendgrid",
        sendgrid_account.opened,
        simple("sendgrid", sendgrid_account.KEY),
        (sendgrid_account.KEY,),
    ),
)


@asynccontextmanager
async def opened(case: Case, bench: Any) -> AsyncIterator[list[object]]:
    """The provider as settings open it, in the place of the double's own; what was
    made for it.
    """
    there: list[object] = []
    async with AsyncExitStack() as stack:
        urls = {
            "reachable": getattr(bench.server, "url", ""),
            "unreachable": unused_url(),
        }
        for place, url in urls.items():
            settings = load(case.settings(bench, url))
            made = gateway_of(case, settings, stack)
            if case.name == "smtp":
                await made.examine([smtp_pool.DOMAIN])
            setattr(bench, place, made)
            there += [settings, settings.table(case.name), made]
        yield there


def gateway_of(case: Case, settings: Settings, stack: AsyncExitStack) -> Any:
    provider = as_set(settings)[case.name]
    made: Any = provider.open(settings.table(case.name), stack)
    if provider.equips is not None:
        house = House(MemoryClock(datetime.now(UTC)), MemoryLogins(TENANT))
        return provider.equips(made, house)
    within = {"ask_within": WITHIN} if hasattr(made, "ask_within") else {}
    return evolve(made, **within)
