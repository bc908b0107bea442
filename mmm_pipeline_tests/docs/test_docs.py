"""The committed pages agree with the code they describe."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from mmm_pipeline.operations.reference_pages import reference_pages, settings_page, tables_page
from mmm_pipeline.reporting.page.summary import build_summary
from mmm_pipeline.settings.pipeline import Settings, load_settings
from mmm_pipeline.tables.catalog import CONTRACTS
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])

# The keys promised to whoever reads summary.json.
PROMISED = {
    "": "settings quick window rows excluded_channels specs naive_mape champion channels budget",
    "window": "step start end holdout_start",
    "rows": "accepted rejected reasons",
    "excluded_channels": "channel reason",
    "specs": "adstock degrees mape rhat_max ess_bulk_min ess_tail_min divergences seconds converged",
    "champion": "adstock degrees",
    "channels": "channel spend contribution share roi roi_low roi_high marginal_roi",
    "budget": "total horizon channels expected_kpi_current expected_kpi_optimal optimality_gap",
}


def _sections() -> dict[str, list[str]]:
    """Section of the settings -> its keys."""
    return {key: sorted(type(section).model_fields) for key, section in Settings() if isinstance(section, BaseModel)}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads((DOCS / "summary.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def summary() -> dict[str, Any]:
    spec = {
        "adstock": "carryover",
        "degrees": 1,
        "mape": 0.1,
        "rhat_max": 1.001,
        "ess_bulk_min": 900.0,
        "ess_tail_min": 800.0,
        "divergences": 0,
        "seconds": 12.5,
        "converged": True,
    }
    unfitted = {**spec, "degrees": 2, "mape": None, "rhat_max": None, "divergences": None, "converged": False}
    return {
        "settings": {"source": {"kind": "demo"}},
        "quick": False,
        "window": {"step": "day", "start": "2025-02-03", "end": "2025-08-17", "holdout_start": "2025-07-21"},
        "rows": {"accepted": 3723, "rejected": 4, "reasons": {"negative spend": 1}},
        "excluded_channels": [{"channel": "Brand 1 Legacy Banner", "reason": "no spend"}],
        "specs": [spec, unfitted],
        "naive_mape": {"mean": 0.11, "median": 0.1, "last_period": 0.15},
        "champion": {"adstock": "carryover", "degrees": 1, "converged": True, "reason": None, "passed_over": None},
        "channels": [
            {
                "channel": "Brand 1 Search",
                "spend": 100.0,
                "contribution": 300.0,
                "share": 0.1,
                "roi": 3.0,
                "roi_low": 1.0,
                "roi_high": 5.0,
                "marginal_roi": 2.0,
            }
        ],
        "budget": {
            "total": 100.0,
            "horizon": 28,
            "step": "day",
            "channels": [
                {
                    "channel": "Brand 1 Search",
                    "current_spend": 100.0,
                    "optimal_spend": 100.0,
                    "low": 50.0,
                    "high": 200.0,
                }
            ],
            "expected_kpi_current": 300.0,
            "expected_kpi_optimal": 300.0,
            "optimality_gap": 0.0,
        },
    }


@pytest.mark.parametrize("name", reference_pages())
def test_generated_page_is_up_to_date(name: str) -> None:
    committed = (DOCS / name).read_text(encoding="utf-8")
    assert committed == reference_pages()[name], "run: python -m mmm_pipeline.operations.reference_pages"


def test_tables_page_has_every_column_of_every_contract() -> None:
    page = tables_page()
    missing = [
        (name, column)
        for name, contract in CONTRACTS.items()
        for column in contract.columns
        if f"| `{column}` |" not in page.split(f"## {name}\n")[1].split("\n## ")[0]
    ]
    assert missing == []


def test_settings_page_explains_every_key() -> None:
    page = settings_page()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    nested = [line for part in re.split("(?:Each|Keys) of `", page)[1:] for line in part.split("\n## ")[0].splitlines()]
    of_entries = [line for line in nested if line.startswith("| `")]
    # And `quick`, which is no section's.
    assert len(rows) - len(of_entries) == sum(len(keys) for keys in _sections().values()) + 1
    assert all(cell.strip() for row in rows for cell in row.replace("\\|", "").strip("|").split("|"))


def test_summary_schema_is_valid_and_accepts_a_summary(schema: dict[str, Any], summary: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(summary)


def test_summary_that_the_pipeline_builds_fits_the_schema(schema: dict[str, Any]) -> None:
    built = json.loads(json.dumps(build_summary(synthetic_results(7)), allow_nan=False))
    jsonschema.Draft202012Validator(schema).validate(built)


def _objects(summary: dict[str, Any], part: str) -> dict[str, Any]:
    found = summary[part] if part else summary
    return found[0] if isinstance(found, list) else found


@pytest.mark.parametrize(
    ("part", "key"),
    [(part, key) for part, keys in PROMISED.items() for key in keys.split()],
    ids=lambda value: value or "-",
)
def test_summary_without_a_promised_key_is_refused(
    part: str, key: str, schema: dict[str, Any], summary: dict[str, Any]
) -> None:
    del _objects(summary, part)[key]
    with pytest.raises(jsonschema.ValidationError, match=f"'{key}' is a required property"):
        jsonschema.Draft202012Validator(schema).validate(summary)


@pytest.mark.parametrize("part", PROMISED, ids=lambda value: value or "-")
def test_summary_may_have_more_keys(part: str, schema: dict[str, Any], summary: dict[str, Any]) -> None:
    _objects(summary, part)["added_later"] = 1
    jsonschema.Draft202012Validator(schema).validate(summary)


def test_the_commented_pipeline_yaml_holds_every_key_at_its_default() -> None:
    path = ROOT / "pipeline.yaml"
    assert load_settings(path) == Settings()
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {key: sorted(section) for key, section in written.items()} == _sections()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    # The pictures are made by a run on the demo, not by hand.
    pictures = {"docs/images/asset-graph.png", "docs/images/report.png"}
    assert [target for target in targets if target not in pictures and not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_pages_exist(page: Path) -> None:
    from typer.main import get_command

    from mmm_pipeline.cli.main import app

    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    used = set(re.findall(r"(?:^|[`$/ ])mmm ([a-z][a-z-]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert used - known == set()
