"""Read by mypy only: the pool of own mailboxes fits what it claims."""

from __future__ import annotations

from outreach.adapters.memory.logins import MemoryLogins
from outreach.adapters.postgres.logins import PostgresLogins
from outreach.adapters.smtp import Domains, SmtpGateway
from outreach.ports.domains import ExaminesDomains
from outreach.ports.gateway import Gateway
from outreach.ports.logins import Logins


def sends(one: SmtpGateway) -> tuple[Gateway, ExaminesDomains]:
    return one, one


def examines(one: Domains) -> ExaminesDomains:
    return one


def keeps(one: PostgresLogins, other: MemoryLogins) -> tuple[Logins, Logins]:
    return one, other
