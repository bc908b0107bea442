"""Made-up results with a real data profile beside them."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd

from mmm_pipeline.ingestion.own_kpi import kpi_series
from mmm_pipeline.mmm.eda.profile import eda_profile
from mmm_pipeline.mmm.reasons import Reason, stored_reasons
from mmm_pipeline.reporting.results.tables import ResultTables, RowCounts
from mmm_pipeline.tables.catalog import CONTRACTS
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results

NAMES = ("Search", "Search copy", "Dead", "Stopped")


def profiled(tables: ResultTables, days: int = 120, names: tuple[str, ...] = NAMES) -> ResultTables:
    """With the real profile of a made-up matrix of four channels: twins, a dead one, one that stopped; and a spike."""
    rng = np.random.default_rng(0)
    dates = pd.date_range("2021-10-17", periods=days)
    first = rng.lognormal(6, 0.5, days)
    series = (first, first * 1.02, np.zeros(days), np.r_[first[:40], np.zeros(days - 40)])
    kpi = 5000 + rng.normal(0, 100, days)
    kpi[60] = 40_000
    each = pd.concat(
        pd.DataFrame({"date": dates, "channel": name, "kind": "paid", "media_units": x, "spend": x / 100})
        for name, x in zip(names, series, strict=True)
    )
    matrix = each.assign(kpi=np.tile(kpi / len(names), len(names)))
    breakdown = pd.DataFrame(
        {
            "dimension": ["brand", "brand"],
            "value": [f"{names[0]} brand", "Other brand"],
            "rows": [60, 40],
            "spend": [300.0, 100.0],
            "media_units": [3e4, 1e4],
            "kpi": [4e5, 2e5],
        }
    )
    start = dt.date(2021, 10, 17)
    # Two markets, of which one begins late and doubles in the holdout.
    south = matrix.assign(market="Region 7", kpi=matrix["kpi"] / 10)
    south.loc[south["date"] < dates[20], "kpi"] = 0.0
    south.loc[south["date"] >= dates[-28], "kpi"] *= 2
    profile = eda_profile(
        matrix,
        holdout_start=start + dt.timedelta(days - 28),
        breakdown=breakdown,
        series=pd.concat([matrix.assign(market="Region 1"), south]),
    )
    return dataclasses.replace(tables, eda_profile=profile)


def with_own_profile(tables: ResultTables) -> ResultTables:
    """With a media matrix of the channels that were attributed, and its real profile.

    The second channel is the first's double, every third starts late, the fourth pays for days without media, the last
    never ran; one day of the KPI is odd.
    """
    rng, names, window = np.random.default_rng(0), [*tables.attribution["channel"], "Never ran"], tables.window
    dates = pd.date_range(window.start, periods=window.periods)
    tide = rng.normal(0, 0.5, window.periods)
    parts = []
    for position, name in enumerate(names):
        media = np.exp(8 + 0.4 * tide * (position % 4 == 1) + rng.normal(0, 0.5, window.periods)) * (1 + position % 5)
        media[: (position % 3 == 2) * window.periods // 3] = 0
        media = parts[0]["media_units"].to_numpy() * 1.5 if position == 1 else media
        media = media * (name != names[-1])
        spend = media / (100 + position)
        if position == 3:
            media = np.where(np.arange(window.periods) % 30 < 3, 0.0, media)
        own = {"channel": name, "kind": "paid", "media_units": media, "spend": spend, "kpi": 0.0}
        parts.append(pd.DataFrame({"date": dates, **own}))
    season = 1 + 0.2 * (dates.dayofweek.to_numpy() >= 5) + 0.002 * np.arange(window.periods)
    parts[0]["kpi"] = 5000 * season + rng.normal(0, 200, window.periods)
    parts[0].loc[window.periods // 2, "kpi"] = 14_000
    matrix = CONTRACTS["media_matrix"].validate(pd.concat(parts, ignore_index=True))
    profile = eda_profile(matrix, holdout_start=window.holdout_start)
    series = kpi_series(matrix, None, None)
    return dataclasses.replace(tables, media_matrix=matrix, kpi_series=series, eda_profile=profile)


def odd_results(channels: int, seed: int = 0) -> ResultTables:
    """A run with long lists of everything: days without KPI, spikes, channels left out, thresholds missed."""
    made = synthetic_results(channels, days=200, seed=seed)
    rng = np.random.default_rng(seed)
    matrix = with_own_profile(made).media_matrix.copy()
    days = pd.date_range(made.window.start, periods=made.window.periods)
    empty, spiky = np.split(rng.permutation(made.window.periods)[:34], 2)
    matrix.loc[matrix["date"].isin(days[empty]), "kpi"] = 0.0
    matrix.loc[matrix["date"].isin(days[spiky]), "kpi"] *= 6
    silent = matrix["channel"].isin(matrix["channel"].unique()[: channels // 2])
    matrix.loc[silent & matrix["date"].isin(days[40:]), ["media_units", "spend"]] = 0.0
    board = made.leaderboard.copy()
    board[["reason", "reasons"]] = board[["reason", "reasons"]].astype(object)
    missed = ", ".join(f"retention[Brand 1 Ad Group {number:03d}] {1 + number / 37:.4g}" for number in range(9))
    unconverged = Reason("rhat_above_more", {"limit": "1.01", "parameters": missed, "more": "23"})
    board.loc[board.index[-1], ["reason", "reasons"]] = [str(unconverged), stored_reasons([unconverged])]
    rarely = [
        Reason("few_active_periods", {"active_periods": str(n), "periods": "172", "unit": "days", "least": "99"})
        for n in range(channels)
    ]
    return dataclasses.replace(
        made,
        media_matrix=matrix,
        leaderboard=board,
        eda_profile=eda_profile(matrix, holdout_start=made.window.holdout_start),
        excluded_channels=pd.DataFrame(
            {
                "channel": [f"Left out {number}" for number in range(channels)],
                "reason": list(map(str, rarely)),
                "reasons": [stored_reasons([reason]) for reason in rarely],
            }
        ),
        rows=RowCounts(12_345, 678, {"unparseable_date": 600, "negative_spend": 78}),
    )
