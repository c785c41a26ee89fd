"""A model on loopback, for processes of their own: it says what a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from attrs import define, field
from tests.adapters.model_double import completion, shown

__all__ = ["ModelServer", "model_server"]

Answers = Callable[[dict[str, Any]], str]


@define
class ModelServer:
    """Where it is, and what it was asked.

    Attributes:
        url: of its API.
        asked: documents it was shown.
    """

    url: str
    asked: list[dict[str, Any]] = field(factory=list)

    @property
    def env(self) -> Mapping[str, str]:
        """Settings by which it is used."""
        return {
            "OUTREACH_OPENAI_API_KEY": "sk-canary",
            "OUTREACH_OPENAI_MODEL": "a-model",
            "OUTREACH_OPENAI_BASE_URL": self.url,
        }


@contextmanager
def model_server(answer: Answers) -> Iterator[ModelServer]:
    """It serves until the block ends.

    Args:
        answer: content of the answer, by the document it is shown.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            document = shown(json.loads(self.rfile.read(length)))
            told.asked.append(document)
            body = json.dumps(completion(answer(document))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Tests print what they want to."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told = ModelServer(f"http://127.0.0.1:{server.server_port}/v1")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
