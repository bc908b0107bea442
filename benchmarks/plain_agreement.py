"""Does the reformulated sampler draw from the posterior of the plain model, and from its prior?

Posterior: the plain NumPyro model is sampled by NumPyro's own NUTS without any reformulation, this package samples its
reformulation, and mean and standard deviation of every parameter are held against each other in units of their Monte
Carlo standard error. Prior: independent draws of both are compared by two-sample Kolmogorov-Smirnov tests, for the
KPI that media would bring, channel by channel, and for what the scaled KPI would look like.

With so many comparisons the largest deviation is large by chance. The limit is the one that all of a model's
comparisons together exceed with probability 1 % when both sides agree (Bonferroni). The plain side is the weak one: its
divergences are listed, because a sampler that diverges is biased by more than its Monte Carlo error says.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from benchmarks.machine import RESULTS, machine, write_result
from benchmarks.plain_model import plain_posterior, plain_prior, scalars
from mmm_pipeline.mmm import ModelData, ModelSpec, SamplerSettings, sample
from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.baseline.design import linear_designs
from mmm_pipeline.mmm.inference.density import layout_of
from mmm_pipeline.mmm.inference.media_coefficients import channel_priors, media_coefficients
from mmm_pipeline.mmm.inference.prior import prior_contributions
from mmm_pipeline.mmm.inference.whitening import coordinates, parameters_from_coordinates
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline_tests.mmm.inference.plain_statement import small_window

__all__ = ["deviations", "limit", "main", "posterior_agreement", "prior_agreement", "table"]

RESULT = RESULTS / "plain_agreement.json"
_CHANCE = 0.01
_SUMMARIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "first day": lambda y: y[:, 0],
    "last day": lambda y: y[:, -1],
    "mean": lambda y: y.mean(axis=1),
    "standard deviation": lambda y: y.std(axis=1),
    "largest step": lambda y: np.abs(np.diff(y)).max(axis=1),
}


def main(argv: list[str]) -> None:
    """Compare, print the table, write the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks plain_agreement", description=__doc__.splitlines()[0])
    parser.add_argument("--adstock", choices=LIGHTWEIGHT_TRANSFORMS, action="append", help="repeatable; default: all")
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--warmup", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--prior-draws", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--result", type=Path, default=RESULT)
    options = parser.parse_args(argv)
    sampler = SamplerSettings(
        chains=options.chains, warmup=options.warmup, draws=options.draws, seed=options.seed, max_escalations=0
    )
    load, rows = os.getloadavg()[0], []
    for adstock in options.adstock or LIGHTWEIGHT_TRANSFORMS:
        spec, data = simulated(adstock, options.days, options.channels, options.seed)
        began = time.process_time()
        row = {"adstock": adstock, "posterior": posterior_agreement(spec, data, sampler)}
        row["prior"] = prior_agreement(spec, data, options.prior_draws, options.seed)
        row["cpu_seconds"] = round(time.process_time() - began, 1)
        rows.append(row)
        print(table([row]), flush=True)
    size = {name: getattr(options, name) for name in ("days", "channels", "chains", "warmup", "draws", "prior_draws")}
    print(f"\n{table(rows)}\n")
    write_result(options.result, {"size": size, "machine": machine(load), "runs": rows})


def simulated(adstock: Any, days: int, channels: int, seed: int) -> tuple[ModelSpec, ModelData]:
    """A small window whose KPI follows from its media, so that the posterior is not the prior."""
    spec = ModelSpec(adstock, 1)
    data = small_window(days=days, channels=channels, seed=seed)
    carried = {"retention": np.full((1, channels), 0.5), "exponent": np.full((1, channels), 0.8)}
    effect = MEDIA_TRANSFORMS["adstock"].value(data.media[0], carried, NUMPY)[0]
    noise = np.random.default_rng(seed).normal(0.0, 0.15, days)
    kpi = 0.5 + effect.mean(axis=1) + noise
    return spec, dataclasses.replace(data, kpi=(kpi / kpi.mean())[None])


def posterior_agreement(spec: ModelSpec, data: ModelData, sampler: SamplerSettings) -> dict[str, Any]:
    """Largest deviations of means and standard deviations, and how well both sides were sampled."""
    reformulated = sample(spec, data, sampler).posterior
    plain, diverging = plain_posterior(
        spec, data, chains=sampler.chains, warmup=sampler.warmup, draws=sampler.draws, seed=sampler.seed + 1
    )
    compared = deviations(reformulated, plain)
    worst = max(compared, key=lambda name: max(map(abs, compared[name])))
    z = np.abs(np.array(list(compared.values())))
    return {
        "parameters": len(compared),
        "largest_mean_deviation": float(z[:, 0].max()),
        "largest_sd_deviation": float(z[:, 1].max()),
        "root_mean_square_deviation": float(np.sqrt((z**2).mean())),
        "limit": limit(z.size),
        "agree": bool(z.max() < limit(z.size)),
        "furthest": worst,
        "plain_divergences": diverging,
        **{
            f"{side}_{what}": figure
            for side, posterior in (("reformulated", reformulated), ("plain", plain))
            for what, figure in _quality(posterior).items()
        },
    }


def deviations(one: xr.Dataset, other: xr.Dataset) -> dict[str, tuple[float, float]]:
    """Per parameter the difference of means and of standard deviations, in units of its Monte Carlo error."""
    ours, theirs = scalars(one), scalars(other)
    assert set(ours) == set(theirs)
    return {
        name: (
            _deviation(ours[name], theirs[name], np.mean, "mean"),
            _deviation(ours[name], theirs[name], np.std, "sd"),
        )
        for name in ours
    }


def _deviation(one: np.ndarray, other: np.ndarray, of: Any, method: str) -> float:
    error = np.hypot(az.mcse(one, method=method), az.mcse(other, method=method))
    return float((of(one) - of(other)) / error)


def limit(comparisons: int) -> float:
    """Standard errors that the largest of so many comparisons exceeds with probability 1 % where nothing differs."""
    return float(stats.norm.isf(_CHANCE / 2 / comparisons))


def _quality(posterior: xr.Dataset) -> dict[str, float]:
    columns = scalars(posterior).values()
    return {
        "ess_min": float(min(az.ess(column) for column in columns)),
        "rhat_max": float(max(az.rhat(column) for column in columns)),
    }


def prior_agreement(spec: ModelSpec, data: ModelData, draws: int, seed: int) -> dict[str, Any]:
    """Smallest p-value of the comparisons of the prior, against its limit."""
    plain = plain_prior(spec, data, draws, seed)
    media = spec.transform.value(data.media[0], plain, NUMPY)
    caused = media.sum(axis=1) * plain["media_coefficient"] * data.kpi_scale
    ours = prior_contributions(spec, data, draws, seed + 1)[:, 0].to_numpy()
    pairs = {f"contribution[{c}]": (ours[:, c], caused[:, c]) for c in range(len(data.channels))}
    kpi, plain_kpi = _prior_predictive(spec, data, draws, seed + 2), plain["kpi"]
    pairs |= {f"KPI, {name}": (of(kpi), of(plain_kpi)) for name, of in _SUMMARIES.items()}
    p = {name: float(stats.ks_2samp(*pair).pvalue) for name, pair in pairs.items()}
    return {
        "comparisons": len(p),
        "smallest_p": min(p.values()),
        "limit": _CHANCE / len(p),
        "agree": min(p.values()) > _CHANCE / len(p),
        "furthest": min(p, key=lambda name: p[name]),
    }


def _prior_predictive(spec: ModelSpec, data: ModelData, draws: int, seed: int) -> np.ndarray:
    """(draws, T) scaled KPI from the whitened coordinates and the prior scales of the integrated block."""
    generator = np.random.default_rng(seed)
    layout, design = layout_of(spec, data), linear_designs(spec, data)[0]
    sampled = parameters_from_coordinates(layout, generator.standard_normal((draws, coordinates(layout))), NUMPY)
    media = spec.transform.value(data.media[0], sampled, NUMPY)
    mean_effect = media.mean(axis=1)[:, None]
    coefficient, _ = media_coefficients(
        layout, sampled, channel_priors(spec, data), mean_effect, NUMPY, stretched=False
    )
    linear = generator.standard_normal((draws, design.size)) * design.scales(sampled)
    linear[:, -1] = np.abs(linear[:, -1])
    mean = np.einsum("stc,sc->st", media, coefficient[:, 0]) + design.mean(linear, sampled)
    return mean + sampled["noise_sd"] * generator.standard_normal(mean.shape)


def table(rows: list[dict[str, Any]]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| model | parameters | furthest mean | furthest sd | limit | RMS | plain: ESS, R-hat, divergences "
        "| reformulated: ESS, R-hat | prior: smallest p, limit |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for row in rows:
        of, prior = row["posterior"], row["prior"]
        lines.append(
            f"| {row['adstock']} | {of['parameters']} | {of['largest_mean_deviation']:.2f} "
            f"| {of['largest_sd_deviation']:.2f} | {of['limit']:.2f} | {of['root_mean_square_deviation']:.2f} "
            f"| {of['plain_ess_min']:.0f}, {of['plain_rhat_max']:.3f}, {of['plain_divergences']} "
            f"| {of['reformulated_ess_min']:.0f}, {of['reformulated_rhat_max']:.3f} "
            f"| {prior['smallest_p']:.3f}, {prior['limit']:.4f} |"
        )
    return "\n".join(lines)
