"""What every endpoint shares: reading a request, refusing it, hanging up."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from outreach.entrypoints.sandbox.journal import Json
from outreach.entrypoints.sandbox.wire import error

__all__ = [
    "CONNECTION",
    "Refused",
    "hang_up",
    "ok",
    "read_json",
    "refuse",
    "wait_until_gone",
]

# The key under which our server puts {"transport", "served"} into the scope.
CONNECTION: Final = "sandbox.connection"

_LINGER_AND_RESET: Final = struct.pack("ii", 1, 0)
_NUL: Final = "\x00"


class Refused(Exception):
    """A request that is answered with an error of the vendor's shape."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(body["message"])
        self.status = status
        self.body = body

    @classmethod
    def bad(cls, message: str, field: str = "") -> Refused:
        """Make a 400; the live API gives a code only with a field."""
        if not field:
            return cls(400, error(message))
        return cls(400, error(message, code="validation_error", fields=[field]))

    @classmethod
    def missing(cls, message: str) -> Refused:
        return cls(404, error(message))


async def refuse(_: Request, refused: Exception) -> Response:
    """Turn a Refused into its answer."""
    if not isinstance(refused, Refused):
        raise refused
    return JSONResponse(refused.body, refused.status)


def ok(data: object) -> JSONResponse:
    return JSONResponse({"status": "ok", "data": data})


async def read_json(request: Request) -> Json:
    """Read an object from the body. Raises Refused for anything else."""
    try:
        body: Any = json.loads(await request.body())
    except (ValueError, RecursionError) as bad:
        message = "Request body is not valid JSON"
        raise Refused.bad(message) from bad
    if not isinstance(body, dict):
        message = "Request body must be a JSON object"
        raise Refused.bad(message)
    for name, value in body.items():
        _check_text(name, name)
        if isinstance(value, str):
            _check_text(name, value)
    return body


async def hang_up(request: Request, *, reset: bool) -> Response:
    """Close the connection without an answer: by a reset, or politely.

    Raises ConnectionResetError where the app runs without our server.
    """
    extensions = request.scope.get("extensions", {})
    if CONNECTION not in extensions:
        raise ConnectionResetError
    transport: asyncio.Transport = extensions[CONNECTION]["transport"]
    if reset:
        plug: socket.socket = transport.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_AND_RESET)
    transport.abort()
    await wait_until_gone(request)
    return Response()  # goes nowhere: the server knows that the client is gone


async def wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _check_text(field: str, text: str) -> None:
    if _NUL in text:
        message = "String fields must not contain the NUL character"
        raise Refused.bad(message, field)
    try:
        text.encode()
    except UnicodeEncodeError as bad:
        message = "String fields must be valid Unicode"
        raise Refused.bad(message, field) from bad
