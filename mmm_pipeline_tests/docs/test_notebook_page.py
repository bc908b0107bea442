"""The lines of docs/notebook.md run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "notebook.md"


def test_the_lines_of_the_page_run_and_say_something(capsys: pytest.CaptureFixture[str]) -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)

    exec(compile(code, str(PAGE), "exec"), {"__name__": "notebook"})

    printed = capsys.readouterr().out
    assert "Convergence(" in printed
    assert "days inside the 90 % interval: " in printed
    assert "roi[" in printed


def test_every_name_of_the_page_exists() -> None:
    import mmm_pipeline.mmm
    from mmm_pipeline.mmm.budget import plan, problem

    text = PAGE.read_text(encoding="utf-8")
    core = set(mmm_pipeline.mmm.__all__) | {"simulate_market"} | set(plan.__all__) | set(problem.__all__)
    named = set(re.findall(r"`([a-zA-Z_]+)\(", text)) - {"sample"}
    assert named <= core | {"sample"} | {"Priors"}, named - core
