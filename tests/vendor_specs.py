"""The vendors' machine-readable contracts, as judges of bodies in tests.

The files are the vendors' and are not ours to ship: OUTREACH_TEST_VENDOR_SPECS
names the folder that holds them. Unset, a test that asks for one is skipped, but
fails in CI, where the folder is there.
"""

from __future__ import annotations

import copy
import functools
import os
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
import jsonschema
import pytest
import referencing
import yaml

__all__ = ["Spec", "vendor_folder", "vendor_spec"]

_URI: Final = "urn:vendor"
_SAYS_NULL: Final = "`null`"


def vendor_spec(name: str) -> Spec:
    """Give the vendor's file of that name, or skip (in CI: fail) the test."""
    return _read(vendor_folder() / name)


def vendor_folder() -> pathlib.Path:
    """Give the folder with the vendors' files, or skip (in CI: fail) the test."""
    folder = os.environ.get("OUTREACH_TEST_VENDOR_SPECS")
    if not folder:
        why = "OUTREACH_TEST_VENDOR_SPECS names no folder with the vendors' files"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return pathlib.Path(folder)


@attrs.frozen
class Spec:
    """One OpenAPI document; every check raises an AssertionError that says where."""

    document: dict[str, Any]
    registry: referencing.Registry[Any] = attrs.field(repr=False)

    def check_answer(self, method: str, path: str, status: int, body: object) -> None:
        """Hold an answer to the schema; `path` as the document writes it."""
        responses = self.document["paths"][path][method.lower()]["responses"]
        assert str(status) in responses, f"{method} {path} never answers {status}"
        pointer = f"/paths/{_escaped(path)}/{method.lower()}/responses/{status}"
        if "$ref" in responses[str(status)]:
            pointer = responses[str(status)]["$ref"].removeprefix("#")
        self._check(f"{pointer}/content/application~1json/schema", body)

    def check_request(self, method: str, path: str, body: object) -> None:
        """Hold the body of a request to the schema."""
        pointer = f"/paths/{_escaped(path)}/{method.lower()}/requestBody"
        self._check(f"{pointer}/content/application~1json/schema", body)

    def check_query(self, method: str, path: str, query: Mapping[str, str]) -> None:
        """Hold a request's query to the parameters; `path` as the document has it."""
        told = self.document["paths"][path][method.lower()].get("parameters", [])
        named = {one["name"]: one for one in told if one["in"] == "query"}
        needed = {name for name, one in named.items() if one.get("required")}
        assert set(query) <= set(named), f"{path} has no {set(query) - set(named)}"
        assert needed <= set(query), f"{path} needs {needed - set(query)}"
        for name, value in query.items():
            allowed = named[name].get("schema", {}).get("enum", [value])
            assert value in allowed, f"{name} of {path} is one of {allowed}"

    def path_of(self, method: str, path: str) -> str:
        """A request's path as the document writes it, with its parameters' names."""
        for known, verbs in self.document["paths"].items():
            if method.lower() not in verbs:
                continue
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path):
                return str(known)
        message = f"the vendor has no {method} {path}"
        raise AssertionError(message)

    def corrected(self, pointer: str, schema: object) -> Spec:
        """The same, where the vendor's program differs from its description."""
        document = copy.deepcopy(self.document)
        *way, last = pointer.strip("/").split("/")
        node = document
        for part in way:
            node = node[part.replace("~1", "/")]
        assert last in node, pointer
        node[last] = schema
        return _spec(document)

    def check_webhook(self, name: str, body: object) -> None:
        """Hold what a webhook carries to the schema of its event type."""
        pointer = f"/webhooks/{_escaped(name)}/post/requestBody"
        self._check(f"{pointer}/content/application~1json/schema", body)

    def check_schema(self, name: str, body: object) -> None:
        """Hold a body to a named schema of the components."""
        self._check(f"/components/schemas/{name}", body)

    def _check(self, pointer: str, body: object) -> None:
        validator = jsonschema.Draft202012Validator(
            {"$ref": f"{_URI}#{pointer}"}, registry=self.registry
        )
        wrong = [f"{e.json_path}: {e.message}" for e in validator.iter_errors(body)]
        assert not wrong, "\n".join([pointer, *wrong])


@functools.cache
def _read(path: pathlib.Path) -> Spec:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(path.read_text(encoding="utf-8"), loader)
    mixed_in = {one["$ref"] for one in _members_of_all_of(document)}
    schemas = document["components"].get("schemas", {})
    if not schemas:  # they stand where they are used
        for asked in _request_bodies(document):
            _tighten(asked)
    for name, schema in schemas.items():
        _tighten(schema, is_open=f"#/components/schemas/{name}" in mixed_in)
    return _spec(document)


def _spec(document: dict[str, Any]) -> Spec:
    resource = referencing.Resource.from_contents(
        document, default_specification=referencing.jsonschema.DRAFT202012
    )
    registry: referencing.Registry[Any] = referencing.Registry().with_resource(
        _URI, resource
    )
    return Spec(document, registry)


def _request_bodies(document: dict[str, Any]) -> Iterator[Any]:
    for verbs in document["paths"].values():
        for verb in verbs.values():
            content = verb.get("requestBody", {}).get("content", {})
            yield content.get("application/json", {}).get("schema")


def _tighten(schema: Any, *, is_open: bool = False) -> None:
    """Turn OpenAPI's dialect into JSON Schema, and refuse fields it does not name.

    `nullable` is OpenAPI 3.0's; some vendors say it in prose only. A schema that
    is part of an `allOf` stays open, since the other parts name more fields.
    """
    if isinstance(schema, list):
        for one in schema:
            _tighten(one, is_open=is_open)
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        _tighten(value, is_open=key == "allOf")
    if isinstance(schema.get("required"), bool):  # a parameter's word in a schema
        del schema["required"]
    if schema.get("type") == "object" and isinstance(schema.get("enum"), list):
        schema["type"] = "string"  # what a generator makes of a list of words
    says_null = _SAYS_NULL in str(schema.get("description", ""))
    if isinstance(schema.get("type"), str) and (schema.get("nullable") or says_null):
        schema["type"] = [schema["type"], "null"]
    if "properties" in schema and not is_open:
        schema.setdefault("additionalProperties", False)


def _members_of_all_of(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        for one in node.get("allOf", ()):
            if "$ref" in one:
                yield one
    children = node.values() if isinstance(node, dict) else node
    for child in children if isinstance(node, dict | list) else ():
        yield from _members_of_all_of(child)


def _escaped(segment: str) -> str:
    return (
        segment.replace("~", "~0")
        .replace("/", "~1")
        .replace("{", "%7B")
        .replace("}", "%7D")
    )
