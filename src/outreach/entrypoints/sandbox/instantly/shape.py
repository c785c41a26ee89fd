"""Checks bodies as the vendor's validator does, and words its complaints."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from outreach.entrypoints.sandbox.answers import Refused

__all__ = [
    "Shape",
    "bad",
    "check",
    "listed",
    "missing",
    "nullable",
    "refused",
    "too_many",
    "unavailable",
]

Shape = Mapping[str, Any]
"""A part of JSON Schema: type (one or several), enum, pattern, uuid, required,
properties, closed, items, least, most (of numbers and lists).
"""

_WORDS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    503: "Service Unavailable",
}
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def refused(status: int, message: str) -> Refused:
    """Make an error of the vendor's shape, to be raised."""
    body = {"statusCode": status, "error": _WORDS[status], "message": message}
    return Refused(status, body)


def too_many() -> Response:
    """Refuse as the vendor does above its limit: without a word on when to come."""
    return JSONResponse(refused(429, "Rate limit exceeded").body, 429)


def unavailable() -> Response:
    return JSONResponse(refused(503, "Service temporarily unavailable").body, 503)


def bad(message: str) -> Refused:
    return refused(400, message)


def missing() -> Refused:
    return refused(404, "Resource not found")


def nullable(kind: str, **more: Any) -> Shape:
    return {"type": (kind, "null"), **more}


def listed(items: Shape, **more: Any) -> Shape:
    return {"type": ("array",), "items": items, **more}


def check(value: object, shape: Shape, path: str = "body") -> None:
    """Raise Refused, with a 400, at the first thing that is not of the shape."""
    kinds = shape.get("type", ())
    if isinstance(kinds, str):
        kinds = (kinds,)
    if kinds and not any(_is(value, kind) for kind in kinds):
        message = f"{path} must be {','.join(kinds)}"
        raise bad(message)
    if "enum" in shape and value not in shape["enum"]:
        message = f"{path} must be equal to one of the allowed values"
        raise bad(message)
    match value:
        case str():
            _check_text(value, shape, path)
        case dict():
            _check_object(value, shape, path)
        case list():
            _check_size(len(value), shape, f"{path} must NOT have", " items")
            for place, item in enumerate(value):
                check(item, shape.get("items", {}), f"{path}/{place}")
        case int() | float():
            _check_size(value, shape, f"{path} must be")


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _check_text(value: str, shape: Shape, path: str) -> None:
    if "pattern" in shape and not re.search(shape["pattern"], value):
        message = f'{path} must match pattern "{shape["pattern"]}"'
        raise bad(message)
    if shape.get("uuid"):
        try:
            uuid.UUID(value)
        except ValueError as error:
            message = f'{path} must match format "uuid"'
            raise bad(message) from error


def _check_object(value: Mapping[str, object], shape: Shape, path: str) -> None:
    for name in shape.get("required", ()):
        if name not in value:
            message = f"{path} must have required property '{name}'"
            raise bad(message)
    properties = shape.get("properties", {})
    if shape.get("closed") and not value.keys() <= properties.keys():
        message = f"{path} must NOT have additional properties"
        raise bad(message)
    for name, item in value.items():
        if name in properties:
            check(item, properties[name], f"{path}/{name}")


def _check_size(size: float, shape: Shape, says: str, what: str = "") -> None:
    if size < shape.get("least", size):
        message = f"{says} fewer than {shape['least']}{what}"
        raise bad(message)
    if size > shape.get("most", size):
        message = f"{says} more than {shape['most']}{what}"
        raise bad(message)
