"""What an engine is asked."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.engines.catalog import Engine, shipped_engines
from mmm_pipeline.engines.request import build_request
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline_tests.engines.small_engine import make_engine, small_inputs


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_engine(tmp_path)


def test_the_holdout_s_kpi_is_not_told(engine: Engine) -> None:
    dataset = small_inputs()
    request = build_request(dataset, Settings(), engine, "carryover|2")
    dataset["kpi"][-28:] = 1e6
    assert build_request(dataset, Settings(), engine, "carryover|2") == request
    assert len(request["kpi"]) == 42
    assert len(request["media"]) == 70


@pytest.mark.parametrize(
    "changes", [{"engines": {"draws": 77}}, {"priors": {"roi": {"X": {"mean": 1, "sd": 1}}}}, {"sampler": {"seed": 9}}]
)
def test_what_the_answer_depends_on_changes_the_fingerprint(engine: Engine, changes: dict[str, object]) -> None:
    dataset = small_inputs().assign_coords(channel=["X", "Y", "Z"])
    one = build_request(dataset, Settings(), engine, "adstock|1")
    other = build_request(dataset, parse_settings(changes), engine, "adstock|1")
    assert one["fingerprint"] != other["fingerprint"]


def test_another_runner_changes_the_fingerprint(engine: Engine) -> None:
    before = build_request(small_inputs(), Settings(), engine, "adstock|1")
    engine.runner.write_text(engine.runner.read_text() + "# changed\n")
    assert build_request(small_inputs(), Settings(), engine, "adstock|1")["fingerprint"] != before["fingerprint"]


def test_markets_are_added_up(engine: Engine) -> None:
    one = small_inputs()
    both = xr.concat([one, one], dim="market").assign_coords(market=["DE", "FR"]).transpose(..., "channel")
    request = build_request(both.assign_attrs(one.attrs), Settings(), engine, "adstock|1")
    assert np.allclose(request["media"], 2 * one["media"].to_numpy())
    assert np.allclose(request["kpi"], 2 * one["kpi"].to_numpy()[:-28])


def test_an_engine_with_geos_is_told_the_markets_too_but_not_their_holdout(engine: Engine, tmp_path: Path) -> None:
    one = small_inputs()
    both = xr.concat([one, 3 * one], dim="market").assign_coords(market=["DE", "FR"]).transpose(..., "channel")
    request = build_request(both.assign_attrs(one.attrs), Settings(), engine, "adstock|1")
    (tmp_path / "request.json").write_text(json.dumps(request))
    exchange = runpy.run_path(str(shipped_engines() / "exchange.py"))
    read = exchange["read_request"](tmp_path)
    assert read.markets.names == ("DE", "FR")
    np.testing.assert_allclose(read.markets.media.sum(axis=0), read.media)
    np.testing.assert_allclose(read.markets.kpi, [read.kpi / 4, 3 * read.kpi / 4])
    assert read.markets.kpi.shape == (2, 42)
    (tmp_path / "request.json").write_text(json.dumps(build_request(one, Settings(), engine, "adstock|1")))
    assert exchange["read_request"](tmp_path).markets is None
