"""A made-up run of any size whose tables obey the contracts, for everything that reads tables."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from mmm_pipeline.mmm.budget.gain_parts import gain_parts
from mmm_pipeline.mmm.budget.reallocation import reallocation
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.mmm.reasons import Reason, stored_reasons
from mmm_pipeline.mmm.sensitivity.verdicts import OPINION, evidence_of
from mmm_pipeline.reporting.results.tables import ResultTables, RowCounts, Window
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.tables.catalog import CONTRACTS, empty_table
from mmm_pipeline_tests.reporting.synthetic_engines import engine_tables
from mmm_pipeline_tests.reporting.synthetic_leaderboard import (
    champion_fit,
    leaderboard,
    naive_forecasts,
    rolling_origins,
)
from mmm_pipeline_tests.reporting.synthetic_model_checks import (
    predictive_distribution,
    prior_check,
    prior_kpi,
    prior_posterior_density,
    sensitivity,
    worst_parameter_draws,
)

_LEFT_OUT = Reason("no_media_and_no_spend", {"periods": "59", "unit": "days"})

HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    "[click](javascript:alert(1)) | **bold** `code`",
    '=HYPERLINK("http://evil.example","x")',
    "evil\u202egnp.exe\u2066 name",
    "An advertising group whose name never ends " * 6,
    "$\\frac{1}{2}$ 100% _under_score_",
    "🔥 여름 세일 🔥",
    "قناة إعلانية",
    "ab",
    "a\u200bb",
    "\u200e\u200f",
    "line\nbreak\ttab",
)
"""Channel names as an attacker, or a careless colleague, would write them."""


def plain_names(count: int) -> list[str]:
    """`Brand 1 Ad Group 001`, 20 characters each."""
    return [f"Brand {1 + position % 2} Ad Group {position + 1:03d}" for position in range(count)]


def synthetic_results(
    channels: int | Sequence[str] = 5,
    *,
    days: int = 87,
    holdout: int = 28,
    seed: int = 0,
    quick: bool = False,
    beats_naive: bool = True,
    material: bool = True,
    no_plan: str | None = None,
    refreshed: bool = True,
    windows: int = 1,
    converged: bool = True,
    holds_unproven: bool = False,
    gain_rests_on: str = "data",
    markets: Sequence[str] = (),
    engines: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> ResultTables:
    """Tables of one run over `days` days, each validated (and typed) by its contract.

    Args:
        channels: how many, or their names.
        days: of the window.
        holdout: at its end.
        seed: of everything random.
        quick: whether the run was a quick one.
        beats_naive: whether the champion is better than the best naive forecast.
        material: the verdict of the budget plan.
        no_plan: why there is no plan, where there is none.
        refreshed: whether there is an earlier champion to compare with.
        windows: forecast windows of the evaluation; with several, there is a table of rolling origins.
        converged: whether the champion's fit on all days did.
        holds_unproven: whether the plan keeps channels without evidence at today's spend.
        gain_rests_on: where the plan's gain comes from.
        markets: names of the markets of a panel; the last channel is off in the last market.
        engines: titles of other engines that have answered; the first contradicts ours on the first channel.
        settings: `pipeline.yaml` content; default: a report in both languages.
    """
    names = plain_names(channels) if isinstance(channels, int) else channels
    made = _made(
        tuple(names),
        days=days,
        holdout=holdout,
        seed=seed,
        beats_naive=beats_naive,
        material=material,
        no_plan=no_plan,
        refreshed=refreshed,
        windows=windows,
        converged=converged,
        holds_unproven=holds_unproven,
        gain_rests_on=gain_rests_on,
        markets=tuple(markets),
        engines=tuple(engines),
    )
    # Tests may change their tables.
    frames = {name: frame.copy() for name, frame in made.items()}
    start = dt.date(2021, 10, 17)
    return ResultTables(
        settings=parse_settings(settings) if settings else Settings(report={"languages": ("en", "ko")}),
        quick=quick,
        **frames,
        window=Window(TimeGrid(start, Step.DAY, days), start + dt.timedelta(days - holdout)),
        rows=RowCounts(9_586 - 3, 3, {"unparseable_date": 2, "negative_spend": 1}),
    )


@cache
def _made(
    names: tuple[str, ...],
    *,
    days: int,
    holdout: int,
    seed: int,
    beats_naive: bool,
    material: bool,
    no_plan: str | None,
    refreshed: bool,
    windows: int,
    converged: bool,
    holds_unproven: bool,
    gain_rests_on: str,
    markets: tuple[str, ...],
    engines: tuple[str, ...],
) -> dict[str, pd.DataFrame]:
    """The tables, validated once: that takes most of the time."""
    start = dt.date(2021, 10, 17)
    market = _Market(list(names), days, holdout, np.random.default_rng(seed), holds_unproven=holds_unproven)
    frames = {
        "media_matrix": empty_table("media_matrix"),
        "kpi_series": empty_table("kpi_series"),
        "leaderboard": leaderboard(beats_naive),
        "champion_fit": champion_fit(converged),
        "naive_forecasts": naive_forecasts(),
        "rolling_origins": (
            rolling_origins(leaderboard(beats_naive), windows) if windows > 1 else empty_table("rolling_origins")
        ),
        "spec_agreement": market.spec_agreement(),
        "averaged_attribution": empty_table("averaged_attribution"),
        "forecast": market.forecast(),
        "attribution": market.attribution(),
        "attribution_by_market": market.attribution_by_market(markets),
        "media_total": market.media_total(),
        "contribution_over_time": market.contribution_over_time(),
        "retention_density": market.retention_density(),
        "prior_check": prior_check(list(names), market.daily_spend * market.days, float(market.mean.sum())),
        "prior_kpi": prior_kpi(market.forecast()),
        "prior_posterior_density": prior_posterior_density(names, market.roi, market.spread, market.width_ratio),
        "sensitivity": sensitivity(names, market.opinion, "" if no_plan else gain_rests_on),
        "predictive_pit": market.predictive_pit(),
        "predictive_distribution": predictive_distribution(market.forecast()),
        "worst_parameter_draws": worst_parameter_draws(names, market.rng),
        "response_curves": market.response_curves(),
        "budget_plan": market.budget_plan(),
        "budget_summary": market.budget_summary(material, no_plan, start + dt.timedelta(days - 1)),
        "reallocation": reallocation(market.budget_plan(), [np.arange(len(names))]),
        "drift": market.drift() if refreshed else empty_table("drift"),
        **engine_tables(market.attribution(), engines),
        "excluded_channels": pd.DataFrame(
            {
                "channel": ["Brand 1 Ad Group 12"],
                "reason": [str(_LEFT_OUT)],
                "reasons": [stored_reasons([_LEFT_OUT])],
            }
        ),
        "rejected_rows": _rejected_rows(),
    }
    return {name: CONTRACTS[name].validate(frame) for name, frame in frames.items()}


def resting_on(tables: ResultTables, opinion: Sequence[float] | float) -> ResultTables:
    """The same results with other shares of the prior in what is known of the channels, in the attribution's order."""
    names = tables.attribution["channel"].tolist()
    shares = np.broadcast_to(np.asarray(opinion, dtype=float), len(names))
    gain = tables.sensitivity.loc[tables.sensitivity["quantity"] == "gain", "evidence"]
    changed = sensitivity(names, shares, gain.iloc[0] if len(gain) else "")
    return dataclasses.replace(tables, sensitivity=CONTRACTS["sensitivity"].validate(changed))


@dataclass
class _Market:
    """Truth-like quantities that the tables share, so that they agree with one another."""

    names: list[str]
    days: int
    holdout: int
    rng: np.random.Generator
    horizon: int = 28
    holds_unproven: bool = False
    dates: pd.DatetimeIndex = field(init=False)

    def __post_init__(self) -> None:
        rng, count = self.rng, len(self.names)
        self.dates = pd.date_range("2021-10-17", periods=self.days)
        day = np.arange(self.days)
        size = rng.pareto(1.2, count) + 0.2
        self.daily_spend = 400 * size / size.sum() * np.sqrt(count)
        self.roi = rng.gamma(4, 0.45, count)
        self.wobble = 1 + 0.4 * np.sin(day[:, None] / rng.uniform(4, 14, count) + rng.uniform(0, 6, count))
        self.daily = self.daily_spend * self.roi * self.wobble  # (days, channels) KPI
        weekly = 1 + 0.12 * np.sin(2 * np.pi * day / 7)
        self.baseline = (self.daily.sum(axis=1).mean() * 2.2) * weekly * (1 + 0.0015 * day)
        self.mean = self.baseline + self.daily.sum(axis=1)
        self.spread = rng.uniform(0.15, 0.7, count)
        self.width_ratio = np.where(self.spread > 0.55, rng.uniform(0.8, 1.05, count), rng.uniform(0.15, 0.75, count))

    @property
    def opinion(self) -> np.ndarray:
        """Share of the prior in what is known of each channel: most of it where the interval stayed as wide."""
        return np.where(self.width_ratio >= 0.8, 0.8, np.where(self.width_ratio >= 0.5, 0.45, 0.1))

    def forecast(self) -> pd.DataFrame:
        mean, sd = self.mean, self._noise_sd
        bands = {"low": -1.645, "high": 1.645, "low_50": -0.674, "high_50": 0.674}
        return self._observed.assign(mean=mean, **{name: mean + score * sd for name, score in bands.items()})

    def attribution(self) -> pd.DataFrame:
        spend, contribution = self.daily_spend * self.days, self.daily.sum(axis=0)
        fitted, low, high = self.mean.sum(), np.exp(-1.645 * self.spread), np.exp(1.645 * self.spread)
        roi = contribution / spend
        marginal = 0.6 * roi
        return pd.DataFrame(
            {
                "channel": self.names,
                "spend": spend,
                "media_units": spend * 120,
                "contribution": contribution,
                "contribution_low": contribution * low,
                "contribution_high": contribution * high,
                "share": contribution / fitted,
                "share_low": contribution * low / fitted,
                "share_high": contribution * high / fitted,
                "roi": roi,
                "roi_low": roi * low,
                "roi_high": roi * high,
                "probability_roi_above_1": 1 / (1 + np.exp(-1.7 * np.log(roi) / self.spread)),
                "marginal_roi": marginal,
                "marginal_roi_low": marginal * low,
                "marginal_roi_high": marginal * high,
                "cost_per_kpi": 1 / roi,
                "cost_per_kpi_low": 1 / (roi * high),
                "cost_per_kpi_high": 1 / (roi * low),
                "prior_width_ratio": self.width_ratio,
                "media_variation": self.daily.std(axis=0) / self.daily.mean(axis=0),
            }
        )

    def media_total(self) -> pd.DataFrame:
        caused, fitted, spend = self.daily.sum(), self.mean.sum(), self.daily_spend.sum() * self.days
        return pd.DataFrame(
            {
                "spend": [spend],
                **{
                    f"{name}{end}": [value * factor]
                    for name, value in (("contribution", caused), ("share", caused / fitted), ("roi", caused / spend))
                    for end, factor in (("", 1.0), ("_low", 0.8), ("_high", 1.25))
                },
                "probability_above_kpi": [0.0],
                "periods_below_zero": [0],
                "periods": [self.days],
            }
        )[list(CONTRACTS["media_total"].columns)]

    def attribution_by_market(self, markets: Sequence[str]) -> pd.DataFrame:
        """Every market half as large as the one before, with returns of its own."""
        if not markets:
            return empty_table("attribution_by_market")
        parts = []
        for position, name in enumerate(markets):
            part = self.attribution()
            part[["roi", "roi_low", "roi_high"]] *= 1 + 0.2 * position
            part["spend"] *= 0.5**position
            parts.append(part.assign(market=name))
        parts[-1] = parts[-1].iloc[:-1]
        return pd.concat(parts)[list(CONTRACTS["attribution_by_market"].columns)]

    def spec_agreement(self) -> pd.DataFrame:
        """Three specs compared; every fourth channel disputed."""
        position = np.arange(len(self.names))
        gap = np.where(position % 4 == 1, 0.8, 0.05) * self.roi
        return pd.DataFrame(
            {
                "channel": self.names,
                "specs": 3,
                "roi_champion": self.roi,
                "roi_lowest": self.roi - gap,
                "spec_lowest": "adstock|2",
                "roi_highest": self.roi + gap,
                "spec_highest": "hill_adstock|1",
                "band_low": (self.roi - gap) * np.exp(-1.645 * self.spread),
                "band_high": (self.roi + gap) * np.exp(1.645 * self.spread),
                "between_share": np.where(position % 4 == 1, 0.7, 0.05),
                "verdict": np.where(position % 4 == 1, "disagree_decision", "agree"),
            }
        )

    def contribution_over_time(self) -> pd.DataFrame:
        parts = {"baseline": self.baseline, **dict(zip(self.names, self.daily.T, strict=True))}
        return pd.concat(
            pd.DataFrame(
                {
                    "date": self.dates,
                    "component": name,
                    "is_baseline": position == 0,
                    "mean": values,
                    "low": values * 0.7,
                    "high": values * 1.3,
                }
            )
            for position, (name, values) in enumerate(parts.items())
        )

    def retention_density(self) -> pd.DataFrame:
        grid = np.linspace(0, 1, 101)
        prior = 2 * grid
        rows = []
        for name, peak, ratio in zip(
            self.names, self.rng.uniform(0.2, 0.8, len(self.names)), self.width_ratio, strict=True
        ):
            sd = 0.08 + 0.25 * ratio
            bump = np.exp(-0.5 * ((grid - peak) / sd) ** 2) * (grid if ratio > 0.8 else 1)
            for source, density in (("prior", prior), ("posterior", bump / (bump.mean()))):
                rows.append(pd.DataFrame({"channel": name, "source": source, "retention": grid, "density": density}))
        return pd.concat(rows)

    def predictive_pit(self) -> pd.DataFrame:
        return self._observed.assign(pit=norm.cdf(self._errors))

    def response_curves(self) -> pd.DataFrame:
        rows = []
        for position, name in enumerate(self.names):
            today = self.daily_spend[position]
            largest = today * 1.5
            spend = np.union1d(np.linspace(0, 2 * largest, 41), [today])
            kpi = self._respond(position, spend)
            rows.append(
                pd.DataFrame(
                    {
                        "channel": name,
                        "spend": spend,
                        "media_units": spend * 120,
                        "kpi": kpi,
                        "low": kpi * np.exp(-1.645 * self.spread[position]),
                        "high": kpi * np.exp(1.645 * self.spread[position]),
                        "ceiling_share": np.nan,
                        "is_half_saturation": False,
                        "is_current": spend == today,
                        "is_extrapolated": spend > largest,
                    }
                )
            )
        return pd.concat(rows)

    def budget_plan(self) -> pd.DataFrame:
        current = self.daily_spend * self.horizon
        named = np.arange(len(self.names)) == 1
        held = self.holds_unproven & (self.opinion >= OPINION) & ~named
        locked = named | held
        factor = np.where(locked, 1.0, np.clip(self.roi / np.average(self.roi, weights=current), 0.5, 2.0))
        free = ~locked
        for _ in range(50):  # meet the total inside the bounds
            scale = (current.sum() - (current * factor)[~free].sum()) / (current * factor)[free].sum()
            factor[free] = np.clip(factor[free] * scale, 0.5, 2.0)
        optimal = current * factor
        daily = np.stack([current, optimal]) / self.horizon
        kpi = np.stack([[self._respond(c, s) for c, s in enumerate(row)] for row in daily]) * self.horizon
        slope = np.stack([[self._slope(c, s) for c, s in enumerate(row)] for row in daily])
        return pd.DataFrame(
            {
                "channel": self.names,
                "current_spend": current,
                "optimal_spend": optimal,
                "change": optimal - current,
                "low": np.where(locked, current, 0.5 * current),
                "high": np.where(locked, current, 2 * current),
                "is_locked": named,
                "is_held": held,
                "evidence": [evidence_of(share) for share in self.opinion],
                "price": 1 / 120,
                "current_kpi": kpi[0],
                "optimal_kpi": kpi[1],
                "marginal_roi_current": slope[0],
                "marginal_roi_optimal": slope[1],
            }
        )

    def budget_summary(self, material: bool, no_plan: str | None, basis_end: dt.date) -> pd.DataFrame:
        plan = self.budget_plan()
        before, after = plan["current_kpi"].sum(), plan["optimal_kpi"].sum()
        uplift = after - before
        parts = gain_parts(plan, dict(zip(plan["channel"], plan["evidence"], strict=True)))
        return pd.DataFrame(
            {
                "objective": ["most_kpi"],
                "total": [plan["current_spend"].sum()],
                "total_today": [plan["current_spend"].sum()],
                "horizon": [self.horizon],
                "step": ["day"],
                "basis_end": [pd.Timestamp(basis_end)],
                "expected_kpi_today": [before],
                "expected_kpi_current": [before],
                "expected_kpi_optimal": [after],
                "uplift": [uplift],
                "uplift_low": [uplift * (0.2 if material else -1.1)],
                "uplift_high": [uplift * 2.3],
                "probability_of_gain": [0.97 if material else 0.62],
                "risk_measure": ["mean"],
                "risk_value_current": [before],
                "risk_value_optimal": [after],
                "upper_bound": [after * 1.0002],
                "optimality_gap": [0.0002],
                "certificate": ["dual_bound"],
                "verdict": ["no_plan" if no_plan else "material_gain" if material else "no_material_gain"],
                "no_plan": [no_plan],
                "reason": ["the last 28 days cost nothing: set budget.total" if no_plan else None],
                **{f"uplift_by_{kind}": [value] for kind, value in parts.items()},
            }
        )

    def drift(self) -> pd.DataFrame:
        """A week earlier: ROI a little different; every fifth channel flipped without support."""
        plan, rng, count = self.budget_plan(), self.rng, len(self.names)
        position = np.arange(count)
        learned = self.roi * rng.normal(0, 0.25, count)
        media, sd = self.roi * rng.normal(0, 0.03, count), self.roi * self.spread
        advised = np.where(plan["change"].abs() <= 0.05 * plan["current_spend"], "hold", "increase")
        advised = np.where((advised != "hold") & (plan["change"] < 0), "decrease", advised)
        flipped = (position % 5 == 0) & (advised != "hold")
        opposite = np.where(advised == "increase", "decrease", "increase")
        verdicts = np.array(["sampler_noise", "within_uncertainty", "data"])
        return pd.DataFrame(
            {
                "channel": self.names,
                "roi_before": self.roi - learned - media,
                "roi_now": self.roi,
                "change": learned + media,
                "change_from_media": media,
                "change_learned": learned,
                "change_mcse": 0.02 * sd,
                "change_sd": sd,
                "probability_roi_higher": 1 / (1 + np.exp(-1.7 * learned / sd)),
                "verdict": verdicts[position % 3],
                "spend_before": plan["current_spend"] * 0.97,
                "plan_before": plan["current_spend"] * np.where(flipped, 1.3, 1.0),
                "plan_noise_before": plan["current_spend"] * 0.03,
                "probability_increase_before": 0.6,
                "direction_before": np.where(flipped, opposite, advised),
                "spend_now": plan["current_spend"],
                "plan_now": plan["optimal_spend"],
                "plan_noise_now": plan["current_spend"] * 0.03,
                "probability_increase_now": 0.6,
                "direction_now": advised,
                "recommendation": np.where(flipped, "flip_unsupported", "same"),
                "spec_before": "carryover|1",
                "spec_now": "carryover|1",
                "window_end_before": self.dates[-8],
                "window_end_now": self.dates[-1],
            }
        )

    @cached_property
    def _errors(self) -> np.ndarray:
        """Of the days, in standard deviations of the noise."""
        return self.rng.standard_normal(self.days)

    @property
    def _noise_sd(self) -> np.ndarray:
        return 0.12 * self.mean * np.where(self._is_holdout, 1.4, 1.0)

    @property
    def _observed(self) -> pd.DataFrame:
        observed = self.mean + self._noise_sd * self._errors
        return pd.DataFrame({"date": self.dates, "is_holdout": self._is_holdout, "observed": observed})

    @property
    def _is_holdout(self) -> np.ndarray:
        return np.arange(self.days) >= self.days - self.holdout

    def _respond(self, position: int, spend: Any) -> Any:
        today = self.daily_spend[position]
        return 1.9 * today * self.roi[position] * spend / (spend + 0.9 * today)

    def _slope(self, position: int, spend: float) -> float:
        today = self.daily_spend[position]
        return float(1.9 * today * self.roi[position] * 0.9 * today / (spend + 0.9 * today) ** 2)


def _rejected_rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "table_name": "media",
            "sheet": ["May", None, None],
            "line_number": [17, 950, 4411],
            "reason": ["unparseable_date", "unparseable_date", "negative_spend"],
            "column": ["Date", "Date", "Spend"],
            "value": ["31/31/2021", "=cmd|'/c calc'!A1", "-12.5"],
            "row": ['{"Date": "31/31/2021"}', "{}", '{"Spend": "-12.5"}'],
        }
    )
