"""The public surface: complete, real, and quick to import."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import poc

SLOW = ["joblib", "mlflow", "numba", "numpy", "pandas", "plotly", "polars", "pyarrow", "scipy", "statsmodels"]


@pytest.mark.parametrize("name", poc.__all__)
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(poc, name) is getattr(importlib.import_module(poc._HOMES[name]), name)


def test_the_lists_of_public_names_agree() -> None:
    tree = ast.parse(Path(poc.__file__).read_text())
    for_types = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert for_types - {"import_module", "TYPE_CHECKING", "Any"} == set(poc.__all__) == set(poc._HOMES)
    assert set(poc.__all__) <= set(dir(poc))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'poc' has no attribute 'run_backtests'"):
        poc.run_backtests  # noqa: B018 - the access is the test


@pytest.mark.parametrize("module", ["poc", "poc.cli", "poc.evaluate"])
def test_an_import_loads_nothing_slow(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert module in loaded
    assert [name for name in SLOW if name in loaded] == []
