"""Made-up tables of an evaluation: specs, naive forecasts and forecast windows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.reasons import Reason, stored_reasons

_MISSED = Reason("rhat_above", {"limit": "1.01", "parameters": "retention[Brand 1 Ad Group 003] 1.043"})

__all__ = ["champion_fit", "leaderboard", "naive_forecasts", "rolling_origins"]


def leaderboard(beats_naive: bool) -> pd.DataFrame:
    """Nine specs, the last of which did not converge; the first three predict about equally well."""
    specs = [(adstock, degrees) for adstock in ("carryover", "hill_adstock", "adstock") for degrees in (1, 2, 4)]
    rows = []
    best = 0.084 if beats_naive else 0.108
    for position, (adstock, degrees) in enumerate(specs):
        broken = position == len(specs) - 1
        mape = best * (1 + 0.17 * position)
        rows.append(
            {
                "rank": pd.NA if broken else position + 1,
                "adstock": adstock,
                "degrees": degrees,
                "status": "not_converged" if broken else "converged",
                "reason": str(_MISSED) if broken else None,
                "reasons": stored_reasons([_MISSED]) if broken else None,
                "is_champion": position == 0,
                "is_rival": position < 3,
                "mape": mape,
                "wape": mape * 0.95,
                "rmse": mape * 1200,
                "crps": mape * 600,
                "coverage_50": 0.46,
                "coverage_90": 0.89,
                "skill": 1 - mape / 0.101,
                "elpd_loo": None if broken else -310.0 - 4 * position,
                "elpd_loo_se": None if broken else 9.5,
                "pareto_k_max": None if broken else 0.62 + 0.05 * position,
                "pareto_k_above": pd.NA if broken else max(0, position - 1),
                "loo_status": "refused" if broken else "reliable" if position < 2 else "unreliable",
                "weight": None,
                "rhat_max": 1.043 if broken else 1.004,
                "ess_bulk_min": 61.0 if broken else 1290.0,
                "ess_tail_min": 88.0 if broken else 1430.0,
                "divergences": 39 if broken else 0,
                "attempts": 3 if broken else 1,
                "seconds": 31.5 + position,
            }
        )
    return pd.DataFrame(rows)


def champion_fit(converged: bool) -> pd.DataFrame:
    """The fit on all days of the first of the specs."""
    missed = "tail effective sample size below 400: retention[Brand 1 Ad Group 003] 388.2"
    row = {"adstock": "carryover", "degrees": 1, "rank": 1, "status": "converged" if converged else "not_converged"}
    row |= {"reason": None if converged else missed, "passed_over": None, "rhat_max": 1.006, "ess_bulk_min": 912.4}
    row |= {"ess_tail_min": 801.7 if converged else 388.2, "divergences": 0, "attempts": 1, "draws": 4000}
    return pd.DataFrame([row | {"seconds": 40.5}]).astype({"rank": "Int64"})


def naive_forecasts() -> pd.DataFrame:
    """Five forecasts without a model, the median being the best."""
    mape = {"mean": 0.113, "median": 0.101, "weekday_mean": 0.111, "last_period": 0.145, "last_week": 0.248}
    return pd.DataFrame(
        {
            "forecast": list(mape),
            "mape": list(mape.values()),
            "wape": [0.95 * value for value in mape.values()],
            "rmse": [1200 * value for value in mape.values()],
            "crps": [900 * value for value in mape.values()],
            "is_best": [name == "median" for name in mape],
        }
    )


def rolling_origins(board: pd.DataFrame, windows: int) -> pd.DataFrame:
    """Every spec in every window, the later windows a little harder; the last spec did not converge in the last one."""
    origins = pd.date_range("2021-12-15", periods=windows, freq="-28D")[::-1]
    rows = []
    for place, spec in enumerate(board.to_dict("records")):
        factors = 0.8 + 0.5 * np.arange(windows) / windows + 0.05 * (place % 3)
        for origin, factor in [*zip(origins, factors, strict=True), (pd.NaT, factors.mean())]:
            pooled = origin is pd.NaT
            converged = not (place == len(board) - 1 and (pooled or origin == origins[-1]))
            errors = {name: factor * spec[name] for name in ("mape", "wape", "rmse", "crps")}
            rows.append(
                {
                    "adstock": spec["adstock"],
                    "degrees": spec["degrees"],
                    "origin": origin,
                    "is_pooled": pooled,
                    "train_periods": pd.NA if pooled else (origin - origins[0]).days + 60,
                    "forecast_periods": 28 * windows if pooled else 28,
                    "converged": converged,
                    **errors,
                    "coverage_50": 0.5,
                    "coverage_90": 0.9,
                    "standard_error": 0.1 * errors["mape"],
                    "naive_error": 0.101,
                    "skill": 1 - errors["mape"] / 0.101,
                }
            )
    return pd.DataFrame(rows)
