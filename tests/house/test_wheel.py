"""What is installed is whole: run against the tree, and once against the wheel."""

from __future__ import annotations

import os
import sysconfig
from importlib import metadata
from pathlib import Path

from tests.house.tree import ROOT, committed, pyproject

import outreach

SOURCE = ROOT / "src/outreach"
FROM_A_WHEEL = os.environ.get("OUTREACH_TEST_WHEEL") == "1"


def test_the_package_under_test_is_the_one_meant() -> None:
    folder = Path(outreach.__file__).parent

    if FROM_A_WHEEL:
        assert folder == Path(sysconfig.get_path("purelib")) / "outreach"
    else:
        assert folder == SOURCE


def test_every_file_beside_the_modules_is_installed_with_them() -> None:
    folder = Path(outreach.__file__).parent
    beside = [path for path in committed() if path.is_relative_to(SOURCE)]
    wanted = [folder / path.relative_to(SOURCE) for path in beside]
    if FROM_A_WHEEL:
        lua = [path for path in committed() if path.is_relative_to(ROOT / "lua")]
        wanted += [folder / "adapters/redis/lua" / path.name for path in lua]

    assert [str(path) for path in wanted if not path.is_file()] == []
    assert folder / "py.typed" in wanted


def test_the_installed_version_is_that_of_the_project() -> None:
    assert metadata.version("outreach") == pyproject()["project"]["version"]
