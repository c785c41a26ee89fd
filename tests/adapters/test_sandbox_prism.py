"""A proxy that nobody here wrote holds the sandbox to Resend's own file."""

from __future__ import annotations

import contextlib
import http.server
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tests.node import fetched
from tests.vendor_specs import vendor_spec

from outreach.entrypoints.sandbox import Sandbox

FOLDER: Final = Path(__file__).parent / "prism"
PATIENCE_S: Final = 60
MAIL: Final[dict[str, Any]] = {
    "from": "Andrei <andrei@hambarul-nou.example>",
    "to": ["ion@ferma.example"],
    "subject": "Oferta",
    "html": "<p>Bună ziua</p>",
    "tags": [{"name": "attempt", "value": "a-7"}],
}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def judged(upstream: str, key: str, folder: Path) -> Iterator[httpx.Client]:
    """A client whose every request and answer prism checks; a violation is an error."""
    vendor_spec("resend.yaml")
    spec = Path(os.environ["OUTREACH_TEST_VENDOR_SPECS"]) / "resend.yaml"
    program = fetched(FOLDER) / "node_modules" / ".bin" / "prism"
    port = _free_port()
    at = ("-h", "127.0.0.1", "-p", str(port))
    command = (str(program), "proxy", *at, "--errors", str(spec), upstream)
    with (folder / "prism.log").open("w", encoding="utf-8") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        base = f"http://127.0.0.1:{port}"
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=base, headers=headers, timeout=30) as client:
            _wait_for(port, process)
            yield client
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port)),
        ):
            return
        time.sleep(0.1)
    pytest.fail(f"prism does not listen after {PATIENCE_S} s")


def test_a_plain_client_gets_through_without_a_violation(tmp_path: Path) -> None:
    knobs = {"resend_requests_per_s": 0, "warm_mail_reply": 1.0, "mail_bounced": 0.0}
    with (
        Sandbox.start(
            tmp_path / "a.jsonl", speed=1e6, profile="calm", knobs=knobs
        ) as box,
        judged(box.resend_url, box.token, tmp_path) as client,
    ):
        hook = {"endpoint": "http://127.0.0.1:9/hook", "events": ["email.received"]}
        made = client.post("/webhooks", json=hook)
        key = {"idempotency-key": "attempt-1"}
        sent = client.post("/emails", json=MAIL, headers=key)
        again = client.post("/emails", json=MAIL, headers=key)
        batch = client.post("/emails/batch", json=[MAIL, MAIL])
        late = {**MAIL, "scheduled_at": "2999-01-01T00:00:00Z"}
        waits = client.post("/emails", json=late).json()["id"]
        canceled = client.post(f"/emails/{waits}/cancel")
        suppressed = client.post("/suppressions", json={"email": "x@ferma.example"})
        received = _received(client)
        looked = [
            client.get(path)
            for path in (
                f"/emails/{sent.json()['id']}",
                f"/emails/receiving/{received}",
                "/emails?limit=2",
                "/domains",
                "/suppressions",
                "/suppressions/x@ferma.example",
                "/webhooks",
                f"/webhooks/{made.json()['id']}",
            )
        ]

        answers = [made, sent, again, batch, canceled, suppressed, *looked]
        assert [answer.status_code // 100 for answer in answers] == [2] * len(answers)
        assert again.json() == sent.json()
        assert len(box.accepted()) == 4


def _received(client: httpx.Client) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        answer = client.get("/emails/receiving")
        assert answer.status_code == 200, answer.text
        if data := answer.json()["data"]:
            made: str = data[0]["id"]
            return made
        time.sleep(0.05)
    pytest.fail("nobody answered")


class _Liar(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = b'{"id": 5}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_the_judge_refuses_an_answer_of_another_shape_and_a_bad_request(
    tmp_path: Path,
) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Liar) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        upstream = f"http://127.0.0.1:{server.server_port}"
        with judged(upstream, "key", tmp_path) as client:
            lied = client.post("/emails", json=MAIL)
            wrong = client.post("/emails", json={"to": 5})
        server.shutdown()

    assert lied.status_code == 500
    assert "VIOLATIONS" in lied.text
    assert wrong.status_code == 422
