"""What a port's docstring promises, clause by clause, and which tests say so."""

from __future__ import annotations

import inspect

__all__ = ["kept_by", "promises_of"]


def promises_of(port: type) -> set[str]:
    """Every clause of the list under ``Promises:``, each ended by ; or a full stop."""
    _, _, listed = (inspect.getdoc(port) or "").partition("Promises:\n")
    text = listed.partition("\n\n")[0]
    clauses = " ".join(text.replace("- ", " ").split()).split(";")
    return {_plain(clause) for clause in clauses}


def kept_by(suite: type) -> set[str]:
    """The docstrings of a suite's tests."""
    return {
        _plain(inspect.getdoc(test) or "")
        for name, test in vars(suite).items()
        if name.startswith("test_")
    }


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip(".").casefold()
