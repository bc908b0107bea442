"""LightweightMMM 0.1.9, unmodified: its scaler, fit, predict, posterior metrics, optimiser and plots."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from exchange import Request, Result, channel_result, curves, forecast, parameters, serve

_NOT_PARAMETERS = ("mu", "media_transformed")
_MODELS = ("adstock", "hill_adstock", "carryover")


def fit(request: Request, say: Callable[[str], None]) -> Result:
    """Fit one of the three models with its defaults but for the counts of draws."""
    import numpyro

    # `fit` draws its chains one after the other unless NumPyro is told of more devices.
    numpyro.set_host_device_count(request.chains)
    import jax.numpy as jnp
    from lightweight_mmm import lightweight_mmm, preprocessing

    adstock, _, degrees = request.model.partition("|")
    if adstock not in _MODELS:
        sys.exit(f"lightweight-mmm has no model {adstock!r}: it has {', '.join(_MODELS)}")
    if int(degrees) < 1:
        sys.exit("lightweight-mmm needs at least one degree of seasonality (degrees_seasonality)")
    scalers = {name: preprocessing.CustomScaler(divide_operation=jnp.mean) for name in ("media", "target", "cost")}
    media = scalers["media"].fit_transform(jnp.asarray(request.train_media))
    target = scalers["target"].fit_transform(jnp.asarray(request.kpi))
    costs = scalers["cost"].fit_transform(jnp.asarray(request.train_spend))
    extra, extra_ahead = _features(request, preprocessing, jnp)

    mmm = lightweight_mmm.LightweightMMM(model_name=adstock)
    say(f"{request.model}: {request.chains} chains of {request.warmup} + {request.draws}")
    began = time.perf_counter()
    mmm.fit(
        media=media,
        media_prior=costs,
        target=target,
        extra_features=extra,
        degrees_seasonality=int(degrees),
        seasonality_frequency=request.seasonality_period_days,
        weekday_seasonality=request.weekday,
        media_names=list(request.channels),
        number_warmup=request.warmup,
        number_samples=request.draws,
        number_chains=request.chains,
        seed=request.seed,
        **({} if request.target_accept is None else {"target_accept_prob": request.target_accept}),
    )
    trace = {name: np.asarray(values, dtype=float) for name, values in mmm.trace.items()}
    seconds = time.perf_counter() - began
    say(f"{request.model}: drawn in {seconds:.0f} s")

    scale = float(np.mean(request.kpi))
    by_chain = (request.chains, request.draws)
    coefficient = trace["coef_media"].reshape(-1, len(request.channels))
    daily = trace["media_transformed"] * coefficient[:, None, :] * scale  # (S, T, C)
    _, roi = mmm.get_posterior_metrics(unscaled_costs=jnp.asarray(request.train_spend), target_scaler=scalers["target"])
    totals = np.asarray(roi, dtype=float) * request.train_spend
    ahead, mean = _ahead(request, mmm, scalers, extra_ahead, trace["sigma"], jnp)
    result = Result(
        model=request.model,
        channels=[channel_result(request, c, totals[:, c].reshape(by_chain)) for c in range(len(request.channels))],
        baseline=trace["mu"].mean(axis=0) * scale - daily.mean(axis=0).sum(axis=1),
        contributions=daily.mean(axis=0),
        holdout=forecast(request, ahead, mean),
        curves=curves(request, _steady(request, adstock, trace, coefficient * scale)),
        parameters=parameters(
            {
                name: values.reshape(*by_chain, *values.shape[1:])
                for name, values in trace.items()
                if name not in _NOT_PARAMETERS
            }
        ),
        divergences=int(np.asarray(mmm._mcmc.get_extra_fields()["diverging"]).sum()),
        seconds_fit=seconds,
    )
    _draw(request, mmm, scalers, np.asarray(roi), result.notes)
    if request.plan:
        result.plan = _plan(request, mmm, scalers, result.notes, say)
    return result


def _features(request: Request, preprocessing: Any, jnp: Any) -> tuple[Any, Any]:
    """Train and holdout features, scaled by the train days; None where there are none."""
    if not request.features:
        return None, None
    # A column of zeros, such as an event that is still to come, has no mean to divide by.
    train = request.feature_values[: request.train_days]
    size = np.abs(train).mean(axis=0)
    scaler = preprocessing.CustomScaler(divide_by=jnp.asarray(np.where(size > 0, size, 1.0)), multiply_by=1.0)
    ahead = request.feature_values[request.train_days :]
    return scaler.transform(jnp.asarray(train)), scaler.transform(jnp.asarray(ahead)) if len(ahead) else None


def _ahead(request: Request, mmm: Any, scalers: Any, extra: Any, sigma: np.ndarray, jnp: Any) -> tuple[Any, Any]:
    """(S, H) draws of the holdout's KPI and their mean without noise: `predict` returns the mean of the KPI only."""
    if not request.holdout_days:
        return np.empty((0, 0)), np.empty(0)
    media = scalers["media"].transform(jnp.asarray(request.media[request.train_days :]))
    mean = np.asarray(
        mmm.predict(media=media, extra_features=extra, target_scaler=scalers["target"], seed=request.seed), dtype=float
    )
    noise = np.random.default_rng(request.seed).standard_normal(mean.shape) * sigma.reshape(-1, 1)
    return mean + noise * float(np.mean(request.kpi)), mean.mean(axis=0)


def _steady(request: Request, adstock: str, trace: Any, weight: np.ndarray) -> np.ndarray:
    """(S, points, C) KPI per day at a constant spend, when its effect has built up: all three transforms are of mean 1.

    The package has no such function; saturation is computed by its own.
    """
    from lightweight_mmm import media_transforms

    price = request.train_spend / request.train_media.sum(axis=0)
    level = request.spend_grid() / price / request.train_media.mean(axis=0)  # (points, C)
    kpi = np.empty((len(weight), *level.shape))
    for s in range(len(weight)):
        if adstock == "hill_adstock":
            half, slope = trace["half_max_effective_concentration"][s], trace["slope"][s]
            bent = media_transforms.hill(level, half, slope)
        else:
            bent = media_transforms.apply_exponent_safe(level, trace["exponent"][s])
        kpi[s] = np.asarray(bent) * weight[s]
    return kpi


def _plan(request: Request, mmm: Any, scalers: Any, notes: list[str], say: Callable[[str], None]) -> Any:
    """Its optimiser on the spend of the last horizon, with its own bounds of 20 % around the mean."""
    import jax.numpy as jnp
    from lightweight_mmm import optimize_media

    if request.features:
        notes.append("no plan: its optimiser needs features of days to come")
        return ()
    recent = request.spend[: request.train_days][-request.horizon_days :].sum(axis=0)
    prices = request.train_spend / request.train_media.sum(axis=0)
    # Its objective predicts with every draw, some thousands of times; the package thins them for that itself.
    mmm.reduce_trace(nsample=min(100, request.chains * request.draws), seed=request.seed)
    say("its optimiser is at work")
    try:
        solution, _, before = optimize_media.find_optimal_budgets(
            n_time_periods=request.horizon_days,
            media_mix_model=mmm,
            budget=float(recent.sum()),
            prices=jnp.asarray(prices),
            target_scaler=scalers["target"],
            media_scaler=scalers["media"],
            seed=request.seed,
        )
    except ValueError as error:
        notes.append(f"no plan: its optimiser refused: {error}")
        return ()
    if not solution.success:
        notes.append(f"its optimiser stopped early: {solution.message}")
    after = np.asarray(solution.x, dtype=float) * prices
    now = np.asarray(before, dtype=float) * prices
    return [
        {"channel": name, "spend_now": float(now[c]), "spend": float(after[c])}
        for c, name in enumerate(request.channels)
    ]


def _draw(request: Request, mmm: Any, scalers: Any, roi: np.ndarray, notes: list[str]) -> None:
    """Its own pictures, kept beside the result."""
    import matplotlib

    matplotlib.use("Agg")
    from lightweight_mmm import plot

    makers = {
        "model_fit": lambda: plot.plot_model_fit(mmm, target_scaler=scalers["target"]),
        "roi": lambda: plot.plot_bars_media_metrics(roi, metric_name="ROI", channel_names=request.channels),
        "media_posteriors": lambda: plot.plot_media_channel_posteriors(mmm, channel_names=request.channels),
    }
    for name, make in makers.items():
        try:
            make().savefig(request.files / f"{name}.png", dpi=80, bbox_inches="tight")
        except Exception as error:  # a picture that its old libraries cannot draw is no reason to lose a posterior
            notes.append(f"its plot {name} failed: {type(error).__name__}: {error}")


if __name__ == "__main__":
    serve("lightweight-mmm", fit, also=("jax", "numpyro"))
