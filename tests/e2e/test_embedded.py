"""The launcher, with real servers: started, shared, killed, found again."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.embedded import (
    Servers,
    binaries,
    default_data_dir,
    discard,
    launcher,
    start,
)
from outreach.entrypoints.embedded.__main__ import main
from outreach.entrypoints.embedded.account import Account
from outreach.entrypoints.embedded.folder import Folder
from outreach.entrypoints.embedded.process import is_locked

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("postgres", "redis")
IS_ROOT = os.geteuid() == 0


def one(servers: Servers, query: str) -> object:
    with psycopg.connect(servers.postgres_url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def store(servers: Servers) -> redis.Redis:
    return redis.Redis.from_url(servers.redis_url)


def sockets_of(servers: Servers) -> Path:
    return Path(servers.redis_url.removeprefix("unix://")).parent


def running(data_dir: Path) -> list[str]:
    return [name for name in NAMES if is_locked(data_dir / f"{name}.lock")]


def soon(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def start_and_be_killed(data_dir: Path, *, durable: bool) -> None:
    """Start the servers from a process that dies of SIGKILL."""
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from outreach.entrypoints.embedded import start\n"
        "servers = start(Path(sys.argv[1]), durable=sys.argv[2] == 'durable')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, data_dir, "durable" if durable else ""],
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == -signal.SIGKILL


def test_both_servers_answer_and_listen_on_no_port(data_dir: Path) -> None:
    with start(data_dir, durable=False) as servers:
        listening = one(servers, "SHOW listen_addresses")
        encoding = one(servers, "SHOW server_encoding")
        port = store(servers).config_get("port")

    assert listening == ""
    assert encoding == "UTF8"
    assert port == {"port": "0"}


def test_nobody_but_the_servers_account_and_root_reaches_sockets_or_data(
    data_dir: Path,
) -> None:
    account = Account.for_servers()

    with start(data_dir, durable=False) as servers:
        folders = [sockets_of(servers), *(data_dir / name for name in NAMES)]
        seen = [(f.stat().st_uid, stat.S_IMODE(f.stat().st_mode)) for f in folders]

    assert seen == [(account.uid, 0o700)] * 3
    assert account.switched == IS_ROOT
    assert account.uid != 0


def test_what_is_durable_is_there_after_a_stop_and_a_start(data_dir: Path) -> None:
    with start(data_dir, durable=True) as servers:
        one(servers, "SELECT 1 FROM (VALUES (1)) AS x")
        with psycopg.connect(servers.postgres_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        store(servers).set("kept", "42")
        fsync = one(servers, "SHOW fsync")
        policy = store(servers).config_get("maxmemory-policy")
    stopped = running(data_dir)

    with start(data_dir, durable=True) as servers:
        row = one(servers, "SELECT answer FROM kept")
        key = store(servers).get("kept")

    assert (fsync, policy) == ("on", {"maxmemory-policy": "noeviction"})
    assert stopped == []
    assert (row, key) == (42, b"42")


def test_a_stop_leaves_no_socket_folder(data_dir: Path) -> None:
    servers = start(data_dir, durable=True)
    sockets = sockets_of(servers)
    there = sockets.exists()

    servers.stop()
    servers.stop()

    assert there
    assert not sockets.exists()


def test_durable_servers_of_a_killed_parent_are_used_again(data_dir: Path) -> None:
    start_and_be_killed(data_dir, durable=True)
    left = running(data_dir)
    before = time.monotonic()

    with start(data_dir, durable=True) as servers:
        seconds = time.monotonic() - before
        age = one(servers, "SELECT now() > pg_postmaster_start_time()")

    starts = (data_dir / "postgres.log").read_text().count("starting PostgreSQL")
    assert left == ["postgres", "redis"]
    assert age is True
    assert starts == 1
    assert seconds < 2
    assert running(data_dir) == []


def test_killed_servers_start_again_though_their_pids_belong_to_strangers_now(
    data_dir: Path,
) -> None:
    start_and_be_killed(data_dir, durable=True)
    pid_file = data_dir / "postgres" / "postmaster.pid"
    for file in (pid_file, data_dir / "redis" / "redis.pid"):
        os.kill(int(file.read_text().split()[0]), signal.SIGKILL)
    assert soon(lambda: not running(data_dir))
    rest = pid_file.read_text().partition("\n")[2]
    pid_file.write_text(f"{os.getpid()}\n{rest}")

    with start(data_dir, durable=True) as servers:
        answer = one(servers, "SELECT 1")
        pong = store(servers).ping()

    assert (answer, pong) == (1, True)


def test_a_server_that_hangs_is_replaced(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "FOUND_READY_S", 0.3)
    start_and_be_killed(data_dir, durable=True)
    pid = int((data_dir / "redis" / "redis.pid").read_text())
    os.kill(pid, signal.SIGSTOP)

    with start(data_dir, durable=True) as servers:
        answered = store(servers).ping()
        another = int((data_dir / "redis" / "redis.pid").read_text())

    assert answered
    assert another != pid


def test_servers_run_until_the_last_user_leaves(data_dir: Path) -> None:
    first = start(data_dir, durable=True)
    second = start(data_dir, durable=True)

    first.stop()
    after_first = running(data_dir)
    answer = one(second, "SELECT 1")
    second.stop()

    assert first.postgres_url == second.postgres_url
    assert (after_first, answer) == (["postgres", "redis"], 1)
    assert running(data_dir) == []


def test_throw_away_servers_and_their_data_go_with_a_killed_user(
    data_dir: Path,
) -> None:
    start_and_be_killed(data_dir, durable=False)

    gone = soon(lambda: not any((data_dir / n).exists() for n in (*NAMES, "servers")))

    assert gone
    assert running(data_dir) == []
    assert not (data_dir / "servers.json").exists()
    assert (data_dir / "watchdog.log").read_text() == ""


def test_throw_away_servers_outlive_one_of_two_users(data_dir: Path) -> None:
    with start(data_dir, durable=False) as servers:
        start_and_be_killed(data_dir, durable=False)
        time.sleep(0.2)
        answer = one(servers, "SELECT 1")

    assert answer == 1
    assert not (data_dir / "postgres").exists()


def test_throw_away_servers_are_refused_where_data_is_kept(data_dir: Path) -> None:
    start(data_dir, durable=True).stop()

    with pytest.raises(Misconfigured, match="is to be kept"):
        start(data_dir, durable=False)

    assert (data_dir / "postgres" / "PG_VERSION").exists()


def test_data_is_not_kept_where_throw_away_servers_run(data_dir: Path) -> None:
    with (
        start(data_dir, durable=False),
        pytest.raises(Misconfigured, match="throw-away servers run in"),
    ):
        start(data_dir, durable=True)


def test_a_server_that_cannot_start_says_why_and_leaves_nothing_running(
    data_dir: Path,
) -> None:
    start(data_dir, durable=True).stop()
    with (data_dir / "postgres" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")

    with pytest.raises(Misconfigured, match="no_such_setting") as caught:
        start(data_dir, durable=True)

    assert str(data_dir / "postgres.log") in str(caught.value)
    assert running(data_dir) == []
    assert not (data_dir / "servers.json").exists()


def test_data_of_another_version_is_not_touched(data_dir: Path) -> None:
    start(data_dir, durable=True).stop()
    (data_dir / "postgres" / "PG_VERSION").write_text("11\n")

    with pytest.raises(Misconfigured, match=r"PostgreSQL 11.*OUTREACH_DATABASE_URL"):
        start(data_dir, durable=True)


def test_a_folder_that_cannot_be_used_is_named_with_the_way_out(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700 if IS_ROOT else 0o500)

    with pytest.raises(Misconfigured, match="OUTREACH_DATA_DIR") as caught:
        start(tmp_path / "data", durable=True)

    tmp_path.chmod(0o700)
    assert str(tmp_path / "data") in str(caught.value)


def test_missing_programs_are_named_with_the_way_out(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_postgres_places", lambda: iter(()))

    with pytest.raises(Misconfigured, match=r"outreach\[embedded\].*DATABASE_URL"):
        start(data_dir, durable=False)

    assert running(data_dir) == []


def test_a_musl_system_is_told_to_bring_its_own(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _: "x86_64-pc-linux-musl")

    with pytest.raises(Misconfigured, match=r"musl.*OUTREACH_DATABASE_URL"):
        start(data_dir, durable=False)


def test_a_program_in_a_closed_folder_is_copied_only_for_another_account() -> None:
    closed = Path(tempfile.mkdtemp(dir="/tmp"))
    package = closed / f"outreach_test_{os.getpid()}"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").touch()
    program = package / "bin" / "valkey-server"
    program.write_text("#!/bin/sh\necho Valkey server v=9.1.2\n")
    program.chmod(0o700 if IS_ROOT else 0o600)

    found = binaries._usable(Account.for_servers(), program)

    shutil.rmtree(closed)
    if not IS_ROOT:
        assert found is None
        return
    assert found is not None
    assert found.version == (9, 1)
    assert found.path.read_text().startswith("#!/bin/sh")
    shutil.rmtree(found.path.parents[2])


def test_a_place_that_others_may_write_to_is_not_trusted_with_programs() -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))

    with pytest.raises(PermissionError):
        binaries._require_private(folder)

    folder.rmdir()


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"OUTREACH_DATA_DIR": "/srv/data", "XDG_DATA_HOME": "/x"}, "/srv/data"),
        ({"HOME": "/home/ana", "XDG_DATA_HOME": "/x"}, "/x/outreach"),
        ({"HOME": "/home/ana"}, "/home/ana/.local/share/outreach"),
        (
            {"HOME": "/home/ana", "XDG_DATA_HOME": "x"},
            "/home/ana/.local/share/outreach",
        ),
    ],
)
def test_the_default_folder_is_the_one_named_or_that_for_user_data(
    env: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert default_data_dir(env) == Path(expected)


def test_root_keeps_data_where_another_account_can_get_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert default_data_dir({"HOME": "/r", "XDG_DATA_HOME": "/x"}).is_relative_to(
        "/var"
    )


def test_discard_stops_what_was_left_and_empties_the_folder(data_dir: Path) -> None:
    start_and_be_killed(data_dir, durable=True)
    (data_dir / "more").write_text("of ours")

    status = main(["discard", str(data_dir)])

    assert status == 0
    assert running(data_dir) == []
    assert {path.suffix for path in data_dir.iterdir()} == {".lock"}


def test_discard_touches_no_folder_that_is_not_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("years")

    status = main(["discard", str(tmp_path)])

    assert status == 1
    assert "no data folder of outreach" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").exists()


def test_discard_waits_for_nobody_but_refuses_a_folder_in_use(data_dir: Path) -> None:
    with (
        start(data_dir, durable=False),
        pytest.raises(Misconfigured, match="in use"),
    ):
        discard(data_dir)


def test_a_wrong_command_line_is_told_the_right_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["discord"]) == 2
    assert "discard FOLDER" in capsys.readouterr().err


def test_a_data_folder_of_another_user_is_refused(data_dir: Path) -> None:
    folder = Folder.prepare(data_dir)
    stranger = Folder(folder.path, Account(12345, 12345, switched=False))
    folder.owned("redis")

    with pytest.raises(Misconfigured, match="belongs to uid"):
        stranger.owned("redis")
