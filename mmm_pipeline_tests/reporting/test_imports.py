"""Importing the report loads nothing heavy: the code location starts without it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("jax", "numpyro", "matplotlib", "jinja2", "markdown_it", "PIL")


def test_importing_the_report_loads_neither_jax_nor_matplotlib() -> None:
    code = f"import sys, mmm_pipeline.reporting.page.report; print([m for m in {HEAVY!r} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
