"""What `doctor` looks at of the mailboxes of our own: their servers and domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from outreach.adapters.smtp import load_keys
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.login import Security
from outreach.domain.usecases.check_domains import domain_of
from outreach.entrypoints.cli.finding import Finding, Level
from outreach.entrypoints.engine import Engine
from outreach.entrypoints.settings import SmtpTable, is_loopback
from outreach.ports.domains import AccountDomain, ExaminesDomains

__all__ = ["of_domains", "of_pool"]

_NEEDS = ("aiosmtplib", "dkim", "dns")


def of_pool(table: SmtpTable) -> Iterator[Finding]:
    """What can be said of the settings alone."""
    if any(find_spec(name) is None for name in _NEEDS):
        way = "pip install 'outreach[smtp]'"
        yield Finding("smtp", Level.FAIL, "its packages are not installed", way)
        return
    if table.security == Security.NONE and not is_loopback(table.base_url):
        says = f"{table.host} would get passwords unencrypted"
        yield Finding("smtp server", Level.FAIL, says, "leave smtp.security out")
    else:
        says = table.base_url if table.host else "each mailbox has its own"
        yield Finding("smtp server", Level.OK, says)
    yield _signatures(table)
    if table.bounce_domain:
        yield Finding("smtp reports", Level.OK, f"go to {table.bounce_domain}")
    else:
        yield Finding("smtp reports", Level.OK, "go to the mailbox that sent")


def _signatures(table: SmtpTable) -> Finding:
    if not table.dkim_selector:
        way = "set smtp.dkim_selector to what stands before ._domainkey in the DNS"
        return Finding("smtp DKIM", Level.FAIL, "no selector: no domain may send", way)
    if not table.dkim_keys:
        return Finding("smtp DKIM", Level.OK, "the servers sign")
    try:
        keys = load_keys(Path(table.dkim_keys))
    except Misconfigured as error:
        return Finding("smtp DKIM", Level.FAIL, str(error), "correct smtp.dkim_keys")
    return Finding("smtp DKIM", Level.OK, f"we sign for {', '.join(sorted(keys))}")


async def of_domains(engine: Engine) -> Sequence[Finding]:
    """What others find in the DNS of the domains that our own mailboxes are of."""
    found: list[Finding] = []
    for account, gateway in engine.gateways.domains.items():
        if not isinstance(gateway, ExaminesDomains):
            continue
        uses = await engine.container.senders().all(engine.tenant)
        senders = [use.sender for use in uses if use.sender.account == account]
        names = sorted({domain_of(one) for one in senders if one.enabled})
        try:
            listed = {one.name: one for one in await gateway.examine(names)}
        except Unavailable as error:
            way = "see that this machine can ask a name server"
            found.append(Finding("domains", Level.FAIL, str(error), way))
            continue
        found += [_of_domain(name, listed.get(name)) for name in names]
    return found


def _of_domain(name: str, verdict: AccountDomain | None) -> Finding:
    check = f"domain {name}"
    if verdict is None:
        says = "the DNS did not say what it has"
        return Finding(check, Level.WARN, says, "try again")
    if verdict.ready:
        return Finding(check, Level.OK, "has MX, SPF, DKIM and DMARC")
    way = "put the records right: until then it sends nothing"
    return Finding(check, Level.FAIL, verdict.says, way)
