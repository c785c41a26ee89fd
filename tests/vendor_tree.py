"""A vendor's contract that is a tree of files, as one document for `vendor_specs`."""

from __future__ import annotations

import functools
import json
import pathlib
import posixpath
from typing import Any, Final

import referencing
from tests.vendor_specs import Spec, _members_of_all_of, _tighten, vendor_folder

__all__ = ["vendor_tree"]

_ROOT: Final = "urn:vendor"
_FILES: Final = "urn:vendor:file:"


def vendor_tree(name: str) -> Spec:
    """Give the contract whose first file has that name, or skip (in CI: fail)."""
    return _read(vendor_folder() / name)


@functools.cache
def _read(first: pathlib.Path) -> Spec:
    """Every file is a resource of its own; references are made absolute, and what the
    first file refers to at the level of paths is put in its place.
    """
    files = {
        one.relative_to(first.parent).as_posix(): json.loads(one.read_text("utf-8"))
        for one in sorted(first.parent.rglob("*.json"))
    }
    for name, document in files.items():
        _make_absolute(document, name)
    mixed_in = {
        one["$ref"] for each in files.values() for one in _members_of_all_of(each)
    }
    for name, document in files.items():
        for key, part in document.items():
            _tighten(part, is_open=f"{_FILES}{name}#/{key}" in mixed_in)
    document = files[first.name]
    document["paths"] = {
        path: _path_in_place(item, files) for path, item in document["paths"].items()
    }
    dialect = referencing.jsonschema.DRAFT202012
    resources = [(f"{_FILES}{name}", each) for name, each in files.items()]
    registry: referencing.Registry[Any] = referencing.Registry().with_resources(
        (uri, referencing.Resource.from_contents(each, default_specification=dialect))
        for uri, each in [*resources, (_ROOT, document)]
    )
    return Spec(document, registry)


def _make_absolute(node: Any, name: str) -> None:
    if isinstance(node, list):
        for one in node:
            _make_absolute(one, name)
    if not isinstance(node, dict):
        return
    ref = node.get("$ref")
    if isinstance(ref, str):
        file, _, pointer = ref.partition("#")
        there = posixpath.normpath(posixpath.join(posixpath.dirname(name), file))
        node["$ref"] = f"{_FILES}{there if file else name}#{pointer}"
    for value in node.values():
        _make_absolute(value, name)


def _path_in_place(item: Any, files: dict[str, Any]) -> Any:
    """A path with its methods, and each with its body, parameters and answers."""
    whole = _found(item, files)
    for method in whole.values():
        if not isinstance(method, dict):
            continue
        method["parameters"] = [
            _found(one, files) for one in method.get("parameters", ())
        ]
        if "requestBody" in method:
            method["requestBody"] = _found(method["requestBody"], files)
        method["responses"] = {
            status: _found(one, files)
            for status, one in method.get("responses", {}).items()
        }
    return whole


def _found(node: Any, files: dict[str, Any]) -> Any:
    while "$ref" in node:
        name, _, pointer = node["$ref"].removeprefix(_FILES).partition("#/")
        node = files[name]
        for part in pointer.split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
    return node
