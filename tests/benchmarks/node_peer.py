"""Peers that run on Node.js: their packages are fetched once, into ``.data/peers``.

Versions are exact in the peer's ``package.json``. The packages' own install scripts
are not run, and no lock file is kept: it would name a registry's host.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from tests.benchmarks.rows import PeerMissing

__all__ = ["NodePeer", "open_peer"]

OLDEST: Final = 18
"""Major version of Node.js that the peers need at least."""
PATIENCE_S: Final = 120

_HERE: Final = Path(__file__).parent
_KEPT: Final = _HERE.parents[1] / ".data" / "peers"


@frozen
class NodePeer:
    """A script that answers each line it is given with a line of JSON."""

    process: asyncio.subprocess.Process

    async def ask(self, line: str) -> Any:
        """One round.

        Raises:
            RuntimeError: it ended, or does not answer.
        """
        if self.process.stdin is None:
            raise AssertionError
        self.process.stdin.write(f"{line}\n".encode())
        return await self.heard()

    async def heard(self) -> Any:
        """A line that it says by itself.

        Raises:
            RuntimeError: it ended, or does not answer.
        """
        process = self.process
        if process.stdout is None:
            raise AssertionError
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await process.stdout.readline()
        except TimeoutError as error:
            message = f"the peer does not answer within {PATIENCE_S} s"
            raise RuntimeError(message) from error
        if not answer:
            message = "the peer ended by itself"
            raise RuntimeError(message)
        return json.loads(answer)


@asynccontextmanager
async def open_peer(
    name: str, script: str, arguments: Sequence[str]
) -> AsyncIterator[NodePeer]:
    """Start a script of the peer's folder; it ends with the block.

    Raises:
        PeerMissing: there is no Node.js, or the packages cannot be fetched.
    """
    folder = await asyncio.to_thread(_fetched, name)
    process = await asyncio.create_subprocess_exec(
        *(_program("node"), script, *arguments),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield NodePeer(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _fetched(name: str) -> Path:
    """Where the peer is, with its packages."""
    said = _output(_program("node"), "--version")
    if int(said.removeprefix("v").partition(".")[0]) < OLDEST:
        message = f"{name} needs Node.js {OLDEST} or later; this is {said.strip()}"
        raise PeerMissing(message)
    folder = _KEPT / name
    wanted = (_HERE / name / "package.json").read_text("utf-8")
    stamp = folder / "fetched.json"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(_HERE / name, folder)
        flags = ("--no-save", "--no-package-lock", "--ignore-scripts")
        quiet = ("--no-audit", "--no-fund", "--loglevel=error")
        _output(_program("npm"), "install", *flags, *quiet, cwd=folder)
        stamp.write_text(wanted, "utf-8")
    shutil.copytree(_HERE / name, folder, dirs_exist_ok=True)
    return folder


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        message = f"{name} (install Node.js {OLDEST} or later)"
        raise PeerMissing(message)
    return found


def _output(*command: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, check=True, capture_output=True, timeout=PATIENCE_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", b"") or b""
        message = f"{Path(command[0]).name} failed: {said.decode()[:300] or error}"
        raise PeerMissing(message) from error
    return done.stdout.decode()
