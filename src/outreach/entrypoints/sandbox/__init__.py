"""Vendors to practise on: the wires of TimelinesAI, Instantly and Resend, and people
who answer.

A server on 127.0.0.1, in a process of its own, that accepts messages as the
vendor does, fails as lines and vendors fail, and answers as prospects answer.
It knows nothing of the engine that it judges: what it accepted stands in its log,
one line per message, written before the answer. `python -m
outreach.entrypoints.sandbox --help` lists the options; `Sandbox.start` does the
same from Python.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import attrs

__all__ = ["NotStarted", "Sandbox"]

_STOP_PATIENCE_S: Final = 10
_CONTROL: Final = "/_sandbox"


class NotStarted(RuntimeError):
    """The process ended before it announced itself; its last words are inside."""


class _Options(TypedDict, total=False):
    seed: int
    speed: float
    accounts: Sequence[str]
    profile: str
    knobs: Mapping[str, object]
    port: int
    token: str | None
    mailboxes: Sequence[str]
    domains: Sequence[str]
    begin: dt.datetime


@attrs.define(eq=False)
class Sandbox:
    """A running sandbox.

    `base_url` goes where TimelinesAI's base URL goes, `instantly_url` and
    `resend_url` where theirs go, `token` where the key of each goes, `signing_secret`
    where the secret of Resend's webhooks does.
    `log` and `events_log` hold JSON lines and may be read at any time.
    """

    base_url: str
    instantly_url: str
    resend_url: str
    token: str = attrs.field(repr=False)
    signing_secret: str = attrs.field(repr=False)
    log: Path
    process: subprocess.Popen[str] = attrs.field(repr=False)

    @classmethod
    @contextlib.contextmanager
    def start(cls, log: Path, **options: Unpack[_Options]) -> Iterator[Sandbox]:
        """Start one that dies with this process; stop it at the end.

        `options`: `seed` (0), `speed` (1.0, engine seconds per second), `accounts`
        (phones; without them every number named is taken for connected),
        `profile` ("default"), `knobs` (fields of `behaviour.Behaviour` over those
        of the profile), `port` (0: any), `token`, `mailboxes` (of Instantly),
        `domains` (verified at Resend; without them every one is), `begin` (engine
        time; the machine's, or where an existing log ended). An existing `log` is
        gone on from.
        Raises NotStarted with what the process said.
        """
        command = [sys.executable, "-m", "outreach.entrypoints.sandbox"]
        command += ["--log", str(log), "--parent-pid", str(os.getpid())]
        for name in ("seed", "speed", "profile", "port", "token"):
            if options.get(name) is not None:
                command += [f"--{name}", str(options.get(name))]
        listed = {
            "account": options.get("accounts", ()),
            "domain": options.get("domains", ()),
            "mailbox": options.get("mailboxes", ()),
        }
        for name, values in listed.items():
            for one in values:
                command += [f"--{name}", one]
        if (begin := options.get("begin")) is not None:
            command += ["--begin", begin.isoformat()]
        for knob in _written(options.get("knobs", {})):
            command += ["--set", knob]
        log.parent.mkdir(parents=True, exist_ok=True)
        words = log.with_name(f"{log.name}.stderr")
        with (
            words.open("w+", encoding="utf-8") as stderr,
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            ) as process,
        ):
            try:
                announced = json.loads(_first_line(process, words))
                urls = ("base_url", "instantly_url", "resend_url")
                names = (*urls, "token", "signing_secret")
                given = {name: announced[name] for name in names}
                yield cls(log=log, process=process, **given)
            finally:
                _end(process)

    @property
    def events_log(self) -> Path:
        return self.log.with_name(f"{self.log.name}.events.jsonl")

    def accepted(self) -> list[dict[str, Any]]:
        """Read the acceptance log."""
        return _lines(self.log)

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Read the events log, or those lines of it of one kind."""
        lines = _lines(self.events_log)
        return [line for line in lines if kind is None or line["kind"] == kind]

    def kill(self) -> None:
        """End it as SIGKILL does: nothing is tidied up."""
        self.process.kill()
        self.process.wait()

    def say(self, account: str, phone: str, text: str) -> dict[str, Any]:
        """Let the person at `phone` write to `account`, unasked."""
        return self._control("/say", account=account, phone=phone, text=text)

    def write_by_hand(self, account: str, phone: str, text: str) -> dict[str, Any]:
        """Let someone write to `phone` on the account's own device."""
        return self._control("/write-by-hand", account=account, phone=phone, text=text)

    def set_account(self, account: str, status: str) -> dict[str, Any]:
        """Make an account "active" or "disconnected", with its webhook."""
        return self._control("/account", account=account, status=status)

    def change(self, **knobs: object) -> dict[str, Any]:
        """Set knobs while it runs."""
        return self._control("/behaviour", **knobs)

    def set_campaign(self, campaign: str, status: int) -> dict[str, Any]:
        """Give a campaign of Instantly a status that only the vendor gives, such as -2
        (bounce protection).
        """
        return self._control("/campaign", id=campaign, status=status)

    def set_mailbox(self, email: str, status: int) -> dict[str, Any]:
        """Give a mailbox of Instantly a status, such as -1 (cannot connect)."""
        return self._control("/mailbox", email=email, status=status)

    def set_clock(self, engine_time: dt.datetime) -> dict[str, Any]:
        """Say what time it is for the engine; hours of campaigns go by it."""
        return self._control("/clock", engine_time=engine_time.isoformat())

    def state(self) -> dict[str, Any]:
        """Say how many messages were accepted and how much is still to come."""
        return self._control("/state")

    def _control(self, path: str, **body: object) -> dict[str, Any]:
        address = urllib.parse.urlsplit(self.base_url)
        assert address.hostname is not None
        line = http.client.HTTPConnection(address.hostname, address.port)
        headers = {"authorization": f"Bearer {self.token}", "user-agent": "outreach"}
        with contextlib.closing(line):
            method, content = ("POST", json.dumps(body)) if body else ("GET", None)
            line.request(method, f"{_CONTROL}{path}", content, headers)
            answer = json.load(line.getresponse())
        if answer["status"] != "ok":
            raise ValueError(answer["message"])
        data: dict[str, Any] = answer["data"]
        return data


def _written(knobs: Mapping[str, object]) -> Iterator[str]:
    """Write knobs as TOML, whose scalars are JSON's."""
    for name, value in knobs.items():
        if isinstance(value, Mapping):
            pairs = (f"{key} = {json.dumps(item)}" for key, item in value.items())
            yield f"{name} = {{{', '.join(pairs)}}}"
        else:
            yield f"{name} = {json.dumps(value)}"


def _first_line(process: subprocess.Popen[str], words: Path) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait()
        raise NotStarted(words.read_text(encoding="utf-8").strip())
    return line


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.split(b"\n") if line]
