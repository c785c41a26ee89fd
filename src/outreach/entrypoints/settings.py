"""What an operator may set: one ``outreach.toml``, and ``OUTREACH_...`` over it.

A name is its path in the file: ``[timelinesai] api_key`` is
``OUTREACH_TIMELINESAI_API_KEY``. Whatever is not known stops the start with file,
key and what is allowed; secrets are never shown, not in errors either.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import time
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import evolve, field, fields, frozen, has, resolve_types

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.imap_settings import ImapTable
from outreach.entrypoints.provider_settings import (
    GatewayTable,
    OutsideTables,
    ProviderLimits,
    ProviderTable,
    SesTable,
    WarmTable,
    WorkspaceTable,
)
from outreach.entrypoints.smtp_settings import SmtpTable
from outreach.entrypoints.talk_settings import AlertSettings, ModelSettings, Secret
from outreach.entrypoints.tenant_settings import Hours, TenantSettings

__all__ = [
    "CONFIG",
    "AlertSettings",
    "GatewayTable",
    "Hours",
    "ImapTable",
    "ModelSettings",
    "OutsideTables",
    "PolicyTables",
    "ProviderLimits",
    "ProviderTable",
    "Secret",
    "SesTable",
    "Settings",
    "SmtpTable",
    "TenantSettings",
    "WorkspaceTable",
    "is_loopback",
    "load",
]

CONFIG: Final = "outreach.toml"

_PREFIX: Final = "OUTREACH_"
_TESTS: Final = "OUTREACH_TEST_"
_OUTSIDE: Final = "OUTREACH_PROVIDERS_"
_NAMES_FILE: Final = "OUTREACH_CONFIG"
_PORTS: Final = range(65_536)


@frozen(unsafe_hash=False)
class PolicyTables:
    """``[policy]``: what to ask people for, by country and channel; in the file alone.

    `outreach.entrypoints.policy_file` reads it.
    """

    tables: Mapping[str, Any] = field(factory=dict)


@frozen
class Settings:
    """Everything that can be set; the values are the defaults."""

    database_url: Secret = Secret("")
    redis_url: Secret = Secret("")
    database_schema: str = field(default="outreach")
    data_dir: str = ""
    web_host: str = "127.0.0.1"
    web_port: int = field(default=8000)
    public_url: str = ""
    secret_keys: Secret = Secret("")
    tenant: TenantSettings = TenantSettings()
    timelinesai: ProviderTable = ProviderTable()
    resend: ProviderTable = ProviderTable()
    sendgrid: ProviderTable = ProviderTable()
    wamm: ProviderTable = ProviderTable()
    warm: WarmTable = WarmTable()
    openai: ModelSettings = ModelSettings()
    alerts: AlertSettings = AlertSettings()
    policy: PolicyTables = field(factory=PolicyTables)
    instantly: WorkspaceTable = WorkspaceTable()
    ses: SesTable = SesTable()
    imap: ImapTable = ImapTable()
    smtp: SmtpTable = SmtpTable()
    providers: OutsideTables = field(factory=OutsideTables)
    baileys: GatewayTable = GatewayTable()

    @web_port.validator
    def _port(self, _: object, port: int) -> None:
        if port not in _PORTS:
            message = f"{port} is no port: give 1 to 65535, or 0 for any free one"
            raise ValueError(message)

    @database_schema.validator
    def _schema(self, _: object, schema: str) -> None:
        if not schema.isidentifier() or not schema.islower():
            message = f"{schema!r} is no schema name: lower-case letters, digits and _"
            raise ValueError(message)

    def __attrs_post_init__(self) -> None:
        """Refuse half a pair of URLs."""
        if bool(self.database_url) != bool(self.redis_url):
            one, other = "OUTREACH_DATABASE_URL", "OUTREACH_REDIS_URL"
            if self.redis_url:
                one, other = other, one
            message = (
                f"{one} is set and {other} is not: set both, "
                "or neither to run the embedded servers"
            )
            raise Misconfigured(message)

    @property
    def embedded(self) -> bool:
        """No URLs are set: PostgreSQL and Valkey are started from wheels."""
        return not self.database_url

    def table(self, provider: str) -> Any:
        """What is set of a provider, built in or not; an empty table if nothing is.

        Returns:
            a `ProviderTable`, or a table of the provider's own that has `is_set`.
        """
        outside = self.providers.tables
        if provider in outside:
            return outside[provider]
        return getattr(self, provider, ProviderTable())

    @property
    def public(self) -> str:
        """Where providers and people reach the web app, without a final slash."""
        url = self.public_url or f"http://{self.web_host}:{self.web_port}"
        return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether a base URL can only reach this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def load(env: Mapping[str, str], *, config: Path | None = None) -> Settings:
    """Read the file and what the environment says over it.

    Args:
        env: the environment.
        config: the file; else OUTREACH_CONFIG, else ``outreach.toml`` if it is there.

    Raises:
        Misconfigured: a named file is missing or no TOML, a key is unknown, a value
            has the wrong type or is not allowed.
    """
    named = config or (Path(env[_NAMES_FILE]) if env.get(_NAMES_FILE) else None)
    path = named or Path(CONFIG)
    tree: dict[str, Any] = {}
    if named is not None or path.is_file():
        tree = _read(path)
    settings = _apply(Settings(), tree, source=str(path), prefix=())
    names = dict(_names(Settings, ()))
    for name in sorted(env):
        if not name.startswith(_PREFIX) or name.startswith(_TESTS):
            continue
        if name == _NAMES_FILE:
            continue
        names |= _outside_names(name)
        if name not in names:
            message = f"{name} is not a setting; allowed: {', '.join(sorted(names))}"
            raise Misconfigured(message)
    return _from_env(settings, env, names)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError as error:
        message = f"settings file {path} is not there: create it or name another"
        raise Misconfigured(message) from error
    except OSError as error:
        message = f"settings file {path} cannot be read: {error.strerror}"
        raise Misconfigured(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"settings file {path} is no TOML: {error}"
        raise Misconfigured(message) from error


def _names(cls: type, prefix: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    resolve_types(cls)
    for item in fields(cls):
        path = (*prefix, item.name)
        if item.type in {PolicyTables, OutsideTables}:
            continue
        if item.type is not Secret and isinstance(item.type, type) and has(item.type):
            yield from _names(item.type, path)
        else:
            yield _PREFIX + "_".join(path).upper(), path


def _apply(
    current: Any, tree: Mapping[str, Any], *, source: str, prefix: tuple[str, ...]
) -> Any:
    cls = type(current)
    resolve_types(cls)
    types = {item.name: item.type for item in fields(cls)}
    changes: dict[str, Any] = {}
    for key, value in tree.items():
        where = ".".join((*prefix, key))
        if key not in types:
            allowed = ", ".join(sorted(types))
            message = f"{source}: unknown key {where!r}; allowed here: {allowed}"
            raise Misconfigured(message)
        kind = types[key]
        if kind is PolicyTables:
            changes[key] = PolicyTables(_table(value, source, where))
        elif kind is OutsideTables:
            tables = dict(getattr(current, key).tables)
            for name, inner in _table(value, source, where).items():
                own, below = tables.get(name, ProviderTable()), (*prefix, key, name)
                inside = _table(inner, source, f"{where}.{name}")
                tables[name] = _apply(own, inside, source=source, prefix=below)
            changes[key] = OutsideTables(tables)
        elif kind is not Secret and isinstance(kind, type) and has(kind):
            inner, given = getattr(current, key), _table(value, source, where)
            changes[key] = _apply(inner, given, source=source, prefix=(*prefix, key))
        else:
            changes[key] = _convert(value, kind, f"{source}: {where}")
    return _changed(current, changes, f"{source}: {'.'.join(prefix) or 'settings'}")


def _changed(current: Any, changes: Mapping[str, Any], where: str) -> Any:
    try:
        return evolve(current, **changes)
    except ValueError as error:
        message = f"{where}: {error}"
        raise Misconfigured(message) from error


def _from_env(
    settings: Settings, env: Mapping[str, str], names: Mapping[str, tuple[str, ...]]
) -> Settings:
    tree: dict[str, Any] = {}
    for name, path in names.items():
        if name not in env:
            continue
        table = tree
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[path[-1]] = env[name]
    changed: Settings = _apply(settings, tree, source="environment", prefix=())
    return changed


def _table(value: Any, source: str, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        message = f"{source}: {where} must be a table: [{where}]"
        raise Misconfigured(message)
    return value


def _outside_names(name: str) -> dict[str, tuple[str, ...]]:
    """``OUTREACH_PROVIDERS_NAME_KEY``, by the longest key that it ends in."""
    keys = sorted((item.name for item in fields(ProviderTable)), key=len, reverse=True)
    for key in keys:
        inside = name.removeprefix(_OUTSIDE).removesuffix(f"_{key.upper()}")
        if name == f"{_OUTSIDE}{inside}_{key.upper()}" and inside:
            return {name: ("providers", inside.lower(), key)}
    return {}


def _convert(value: Any, kind: Any, where: str) -> Any:
    """To the type of a setting; the value of a secret is never in the error."""
    if kind is Secret:
        if isinstance(value, str):
            return Secret(value)
        message = f"{where} must be text in quotes"
        raise Misconfigured(message)
    if kind in {tuple[Secret, ...], tuple[str, ...]}:
        return _several(value, kind, where)
    try:
        if kind is bool:
            return _boolean(value)
        if kind is int and not isinstance(value, bool):
            return int(value)
        if kind is float and not isinstance(value, bool):
            return float(value)
        if kind is time:
            return value if isinstance(value, time) else time.fromisoformat(value)
        if kind is str and isinstance(value, str):
            return value
    except (ValueError, TypeError):
        pass
    name = {
        int: "a whole number",
        float: "a number",
        str: "text",
        bool: "true or false",
    }.get(kind, "a time such as 09:00")
    message = f"{where} must be {name}, not {value!r}"
    raise Misconfigured(message)


def _several(value: Any, kind: Any, where: str) -> tuple[Any, ...]:
    """A list in the file; in the environment, with spaces or commas between."""
    parts = re.split(r"[\s,]+", value.strip(" ,")) if isinstance(value, str) else value
    if isinstance(parts, list) and all(isinstance(one, str) for one in parts):
        return tuple(
            Secret(one) if kind == tuple[Secret, ...] else one for one in parts
        )
    message = f"{where} must be a list of texts in quotes"
    raise Misconfigured(message)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False}
    return words[str(value).lower()] if str(value).lower() in words else _no(value)


def _no(value: Any) -> bool:
    raise ValueError(value)
