"""The kinds of alert: one list in the code, one in the run book, the same."""

from __future__ import annotations

import ast
import re

from tests.house.tree import ROOT, sources

from outreach.domain.incident import SEVERITY_OF
from outreach.domain.sender import ALERTS

ROW = re.compile(
    r"^\| `([a-z_]+\.[a-z_]+)` \| ([A-Z]+) \| (.+) \| (.+) \|$", re.MULTILINE
)
KIND = re.compile(r"[a-z_]+\.[a-z_]+")


def test_the_run_book_has_a_line_for_every_kind_and_its_severity() -> None:
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")

    lines = {kind: severity for kind, severity, _, _ in ROW.findall(page)}

    assert lines == {kind: str(severity) for kind, severity in SEVERITY_OF.items()}
    assert all(means.strip() and do.strip() for _, _, means, do in ROW.findall(page))


def test_every_kind_that_the_code_raises_is_in_the_list() -> None:
    raised = set(ALERTS.values())
    for path in sources("src"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called != "Alert" and not called.endswith(("alerts.over", "raise_")):
                continue
            raised |= {
                one.value
                for one in node.args
                if isinstance(one, ast.Constant)
                and isinstance(one.value, str)
                and KIND.fullmatch(one.value)
            }

    assert len(raised) > 10
    assert raised <= set(SEVERITY_OF)
