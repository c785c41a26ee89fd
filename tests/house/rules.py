"""Rules of the house over one parsed file; each answers what breaks it, and where."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "clock_chance_and_input",
    "foreign_imports",
    "loop_and_cleanup",
    "missing_all",
    "own_profiles",
    "silencers",
    "skips",
]

CORE_LIBRARIES: Final = {"attr", "attrs", "outreach"}
NOT_FOR_THE_CORE: Final = {
    *("asyncio", "threading", "multiprocessing", "concurrent", "subprocess"),
    *("time", "os", "sys", "socket", "ssl", "http", "urllib.request", "select"),
    *("secrets", "tempfile", "io", "sqlite3", "logging", "pickle", "locale"),
}
CHANCE: Final = {"Random"}  # a value given to a rule; the module's functions are not
IDS: Final = {"UUID", "uuid5", "NAMESPACE_URL", "NAMESPACE_OID", "NAMESPACE_DNS"}
CLOCKS: Final = {"now", "utcnow", "today"}
LOOP_WORDS: Final = {
    *("gather", "wait_for", "timeout", "timeout_at", "sleep", "create_task"),
    *("TaskGroup", "shield", "as_completed", "ensure_future", "aclosing"),
}
WIDE: Final = {"BaseException", "BaseExceptionGroup"}


def clock_chance_and_input(tree: ast.Module) -> Iterator[str]:
    """The core is given its time, its chance and its ids, and reads nothing itself."""
    clocks = _names_from("datetime", tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in {"random", "uuid"}:
            wanted = CHANCE if node.module == "random" else IDS
            for taken in node.names:
                if taken.name not in wanted:
                    yield _at(node, f"takes {taken.name} from {node.module}")
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        owner, _, name = called.rpartition(".")
        if name in CLOCKS and owner.partition(".")[0] in clocks:
            yield _at(node, f"reads a clock: {called}()")
        if owner in {"random", "uuid"} and name not in CHANCE | IDS:
            yield _at(node, f"draws for itself: {called}()")
        if name == "Random" and not node.args:
            yield _at(node, "Random() without a seed")
        if called in {"open", "input", "print", "hash", "id", "exec", "eval"}:
            yield _at(node, f"calls {called}()")


def foreign_imports(tree: ast.Module) -> Iterator[str]:
    """The core imports the standard library (without what waits or reads) and attrs."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.level:
                yield _at(node, "imports relatively")
        for name in names:
            top = name.partition(".")[0]
            known = top in sys.stdlib_module_names or top in CORE_LIBRARIES
            if not known or {top, name} & NOT_FOR_THE_CORE:
                yield _at(node, f"imports {name}")


def loop_and_cleanup(tree: ast.Module) -> Iterator[str]:
    """A use case is a plain coroutine: a simulator may drop it at any await."""
    for node in ast.walk(tree):
        match node:
            case ast.AsyncWith() | ast.AsyncFor():
                yield _at(node, f"uses {type(node).__name__}")
            case ast.comprehension(is_async=1):
                yield _at(node.target, "uses an async comprehension")
            case ast.AsyncFunctionDef() if _yields(node):
                yield _at(node, f"{node.name} is an async generator")
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in LOOP_WORDS:
                yield _at(node, f"uses {name}")
            case _:
                yield from _cleanup(node)


def _cleanup(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.ExceptHandler(type=None):
            yield _at(node, "catches everything")
        case ast.ExceptHandler(type=ast.expr() as kind) if WIDE & _names(kind):
            yield _at(node, f"catches {ast.unparse(kind)}")
        case ast.Call(func=ast.Name("suppress") | ast.Attribute(attr="suppress")):
            if any(WIDE & _names(argument) for argument in node.args):
                yield _at(node, "suppresses everything")
        case ast.Try(finalbody=[*last]):
            for inner in (each for statement in last for each in ast.walk(statement)):
                if isinstance(inner, ast.Await):
                    yield _at(inner, "awaits in a finally")
        case _:
            pass


def skips(tree: ast.Module) -> Iterator[str]:
    """A test runs; it skips only where the platform cannot have what it tests."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute():
                written = ast.unparse(node)
                if written in {"pytest.mark.skip", "pytest.mark.xfail"}:
                    yield _at(node, f"marks with {written}")
            case ast.Call(func=ast.Attribute() as function):
                written = ast.unparse(function)
                if written in {"pytest.skip", "pytest.xfail", "pytest.importorskip"}:
                    yield _at(node, f"calls {written}")
                if written == "pytest.mark.skipif" and not _of_a_platform(node):
                    yield _at(node, "skips for a reason other than the platform")
            case _:
                pass


def own_profiles(tree: ast.Module) -> Iterator[str]:
    """How long to search is said in one place, tests/conftest.py."""
    taken = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "hypothesis"
        for name in node.names
        if name.name == "settings"
    }
    for node in ast.walk(tree):
        written = (
            ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
        )
        if written in taken or written == "hypothesis.settings":
            yield _at(node, "has hypothesis settings of its own")


def missing_all(tree: ast.Module) -> Iterator[str]:
    """A module with anything public says what, in a list; ruff keeps it sorted."""
    public = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if not node.name.startswith("_")
    }
    bound, listed = public | _imported(tree), None
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name("__all__")], value=ast.List(elts=names)):
                listed = {ast.literal_eval(name) for name in names}
            case (
                ast.Assign(targets=[ast.Name(name)])
                | ast.AnnAssign(target=ast.Name(name))
            ):
                bound.add(name)
            case _:
                pass
    if listed is None and public:
        yield f"1: has no __all__, but holds {', '.join(sorted(public))}"
    if listed and "__getattr__" not in _functions(tree):  # PEP 562: bound late
        for name in sorted(listed - bound):
            yield f"1: __all__ names {name}, which is not there"


def silencers(source: str) -> dict[str, int]:
    """How many comments of each kind silence a check."""
    comments = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    return {
        "type-ignore": sum("type: ignore" in comment for comment in comments),
        "noqa": sum("noqa" in comment for comment in comments),
    }


def _yields(function: ast.AsyncFunctionDef) -> bool:
    """Whether it yields itself, not some function inside it."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo += ast.iter_child_nodes(node)
    return False


def _of_a_platform(call: ast.Call) -> bool:
    condition = ast.unparse(call.args[0]) if call.args else ""
    return condition.startswith(("sys.platform", "os.name", "platform."))


def _imported(tree: ast.Module) -> set[str]:
    return {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }


def _names_from(module: str, tree: ast.Module) -> set[str]:
    """What *module*, or anything imported from it, is called here."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) or (
            isinstance(node, ast.ImportFrom) and node.module == module
        ):
            whole = isinstance(node, ast.Import)
            found |= {
                name.asname or name.name
                for name in node.names
                if not whole or name.name == module
            }
    return found


def _functions(tree: ast.Module) -> set[str]:
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _at(node: ast.AST, what: str) -> str:
    return f"{getattr(node, 'lineno', '?')}: {what}"
