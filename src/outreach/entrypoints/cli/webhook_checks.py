"""What `doctor` says of a provider's webhooks, by the settings alone."""

from __future__ import annotations

from typing import Any

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.cli.finding import Finding, Level
from outreach.entrypoints.providers import Provider, Signs

__all__ = ["of_webhooks"]


def of_webhooks(provider: Provider, table: Any, public: str) -> Finding:
    """By what its deliveries are told from a stranger's.

    Args:
        table: of the provider's settings.
        public: where providers reach us.
    """
    check = f"{provider.name} webhooks"
    if provider.signs:
        return _signatures(provider, provider.signs, table)
    if table.webhook_secret:
        return Finding(check, Level.OK, "the token is set")
    if provider.by_number:
        setting = f"OUTREACH_{provider.name.upper()}_WEBHOOK_SECRET"
        return Finding(
            check,
            Level.WARN,
            "no token is set, and the gateway is told none: nothing would come in",
            f"set {setting}, and have each number's deliveries sent to "
            f"{public}/webhooks/{provider.name}/TOKEN/NUMBER",
        )
    kept = "the token is made and kept by outreach run and outreach web"
    return Finding(check, Level.OK, kept)


def _signatures(provider: Provider, signs: Signs, table: Any) -> Finding:
    """Of a provider that signs: by a secret of its own, or by one of ours."""
    name = provider.name
    check = f"{name} webhooks"
    setting = f"OUTREACH_{name.upper()}_{provider.vouched_by.upper()}"
    try:
        known = signs(table)
    except Misconfigured as error:
        return Finding(check, Level.FAIL, str(error), f"correct {setting}")
    if known is not None:
        return Finding(check, Level.OK, f"{setting} is set")
    return Finding(
        check,
        Level.WARN,
        f"{setting} is not set: no reply and no bounce would come in",
        f"have the vendor send to /webhooks/{name}, and set it to what it vouches by"
        if provider.makes_secret
        else f"set {setting}; the gateway is told it",
    )
