"""The vendor's own model of SES v2, as botocore ships it: judge of bodies in tests."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, Final
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

from outreach.testing.fault_server import Asked

__all__ = ["check_answer", "check_request", "errors_of", "event_types", "service"]

_LABEL: Final = re.compile(r"\{(\w+)\}")
_SIMPLE: Final = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "double": int | float,
    "timestamp": int | float,
}


@cache
def service() -> Any:
    """The service, with its operations and shapes."""
    return ServiceModel(Loader().load_service_model("sesv2", "service-2"))


def check_request(asked: Asked) -> str:
    """The operation that a request is; it is written as botocore writes it."""
    name, params = _operation(asked)
    operation = service().operation_model(name)
    body = json.loads(asked.body) if asked.body else {}
    params |= body
    shape = operation.input_shape
    if shape is not None:
        found = ParamValidator().validate(params, shape)
        assert not found.has_errors(), found.generate_report()
    written = create_serializer("rest-json").serialize_to_request(params, operation)
    assert (asked.method, asked.target) == (written["method"], written["url_path"])
    assert body == json.loads(written["body"] or "{}"), name
    expected = written["headers"].get("Content-Type")
    assert asked.headers.get("content-type") == expected
    return name


def check_answer(operation: str, body: object) -> None:
    """Hold an answer to the shape: no member beside, each of its type."""
    _check(service().operation_model(operation).output_shape, body, operation)


def errors_of(operation: str) -> dict[str, int]:
    """The errors that an operation may answer, and their statuses."""
    shapes = service().operation_model(operation).error_shapes
    return {one.name: one.metadata["error"]["httpStatusCode"] for one in shapes}


def event_types() -> set[str]:
    """What a configuration set can publish."""
    return set(service().shape_for("EventType").enum)


def _operation(asked: Asked) -> tuple[str, dict[str, Any]]:
    for name in service().operation_names:
        http = service().operation_model(name).http
        path = http["requestUri"].partition("?")[0]
        pattern = _LABEL.sub(r"(?P<\1>[^/]+)", path)
        found = re.fullmatch(pattern, asked.path)
        if found and http["method"] == asked.method:
            return name, {n: unquote(v) for n, v in found.groupdict().items()}
    message = f"SES has no {asked.method} {asked.path}"
    raise AssertionError(message)


def _check(shape: Any, body: object, where: str) -> None:
    match shape.type_name, body:
        case "structure", dict():
            for name, one in body.items():
                assert name in shape.members, f"{where}: {name}"
                _check(shape.members[name], one, f"{where}.{name}")
        case "list", list():
            for one in body:
                _check(shape.member, one, f"{where}[]")
        case kind, one if kind in _SIMPLE:
            assert isinstance(one, _SIMPLE[kind]), f"{where}: {kind}"
            allowed = getattr(shape, "enum", [])
            assert not allowed or one in allowed, f"{where}: {one}"
        case kind, _:
            message = f"{where} is no {kind}"
            raise AssertionError(message)
