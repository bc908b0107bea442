"""Simulation-based calibration: are the sampler's posteriors those of the model?

Truths are drawn from the priors of the plain NumPyro model, everything included, and each makes one KPI series on a
fixed small media plan. The reformulated sampler draws from the posterior, and the truth's rank among thinned draws is
recorded. If sampler and model agree, every rank is uniform (Talts et al. 2018). Beside the parameters, the log
likelihood of the series is ranked, a quantity that also notices a posterior which ignores the data (Modrák et al.
2023). No replication is left out, whether its fit converged or not: leaving some out would bend the ranks.

Per quantity: a chi-square test on ten bins. The p-values of one model are judged together by Holm's method at 1 %.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.machine import RESULTS, machine, write_result
from benchmarks.plain_model import plain_prior, scalars
from mmm_pipeline.mmm import ConvergenceThresholds, ModelData, ModelSpec, SamplerSettings, sample
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS
from mmm_pipeline_tests.mmm.inference.plain_statement import mean as plain_mean
from mmm_pipeline_tests.mmm.inference.plain_statement import small_window

__all__ = ["RANKS", "holm", "main", "picture", "replication", "table", "uniformity"]

RESULT = RESULTS / "calibration.json"
RANKS = 100
"""Ranks run from 0 to 99: the truth among 99 thinned draws."""
_BINS = 10
_LEVEL = 0.01
_LOG_LIKELIHOOD = "log likelihood"
# Enough for ranks; the truths reach into corners of the prior where the pipeline's own thresholds take longer.
_THRESHOLDS = ConvergenceThresholds(rhat_max=1.05, ess_min=100, divergence_share_max=0.02)


def main(argv: list[str]) -> None:
    """Replicate, print the table, write ranks and figures as JSON and, where asked, a picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks calibration", description=__doc__.splitlines()[0])
    parser.add_argument("--adstock", choices=MEDIA_TRANSFORMS, action="append", help="repeatable; default: all")
    parser.add_argument("--noise", choices=["normal", "student_t"], default="normal")
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=400)
    parser.add_argument("--draws", type=int, default=400, help="of each of two chains")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument("--picture", type=Path, help="PNG of the ranks' distribution functions")
    options = parser.parse_args(argv)
    sampler = SamplerSettings(chains=2, warmup=options.warmup, draws=options.draws, max_escalations=1)

    load, runs = os.getloadavg()[0], []
    for adstock in options.adstock or LIGHTWEIGHT_TRANSFORMS:
        began, cpu = time.perf_counter(), time.process_time()
        spec = ModelSpec(adstock, 1, noise=options.noise)
        window = small_window(days=options.days, channels=options.channels, seed=1)
        truths = plain_prior(spec, window, options.replications, options.seed)
        replications = []
        for i in range(options.replications):
            truth = {name: values[i] for name, values in truths.items()}
            replications.append(replication(spec, window, truth, dataclasses.replace(sampler, seed=i)))
        ranks = {name: [made["ranks"][name] for made in replications] for name in replications[0]["ranks"]}
        run = {
            "adstock": adstock,
            "noise": spec.noise,
            "replications": len(replications),
            "not_converged": sum(not made["converged"] for made in replications),
            "seconds": round(time.perf_counter() - began, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
            "quantities": uniformity(ranks),
            "ranks": ranks,
        }
        runs.append(run)
        print(table([run]), flush=True)
    size = {name: getattr(options, name) for name in ("replications", "days", "channels", "warmup", "draws", "seed")}
    print(f"\n{table(runs)}\n")
    write_result(options.result, {"size": size, "machine": machine(load), "runs": runs}, indent=None)
    if options.picture:
        picture(runs, options.picture)


def replication(
    spec: ModelSpec, window: ModelData, truth: dict[str, np.ndarray], sampler: SamplerSettings
) -> dict[str, Any]:
    """Ranks of one truth among the draws of its posterior.

    Args:
        spec: the model.
        window: the media plan; its KPI is replaced.
        truth: one draw of `plain_prior`, the KPI included.
        sampler: chains and draws; one further try is made where the fit misses the thresholds.
    """
    data = dataclasses.replace(window, kpi=truth["kpi"][None])
    fit = sample(spec, data, sampler, _THRESHOLDS)
    drawn = scalars(fit.posterior)
    true = {name: np.reshape(truth[name.split("[")[0]], -1) for name in drawn}
    quantities = {
        name: (values, true[name][int(name.split("[")[1][:-1]) if "[" in name else 0]) for name, values in drawn.items()
    }
    # Stored densities are of the KPI in its own units.
    density = fit.inference["log_likelihood"]["kpi"].sum("time").to_numpy() + data.days * np.log(data.kpi_scale)
    mean, sd = plain_mean(spec, data, truth), truth["noise_sd"]
    noise = stats.norm(mean, sd) if spec.noise == "normal" else stats.t(truth["noise_degrees"], mean, sd)
    true_density = noise.logpdf(data.kpi[0]).sum()
    quantities[_LOG_LIKELIHOOD] = (density, true_density)
    return {
        "converged": fit.convergence.converged,
        "ranks": {name: int((_thinned(values) < value).sum()) for name, (values, value) in quantities.items()},
    }


def _thinned(values: np.ndarray) -> np.ndarray:
    flat = values.reshape(-1)
    return flat[np.linspace(0, len(flat) - 1, RANKS - 1).round().astype(int)]


def uniformity(ranks: dict[str, list[int]]) -> list[dict[str, Any]]:
    """Per quantity the mean rank (of 0 .. 1), the chi-square p-value, and the same adjusted by Holm's method."""
    names = list(ranks)
    counts = [np.bincount(np.array(ranks[name]) * _BINS // RANKS, minlength=_BINS) for name in names]
    p = np.array([stats.chisquare(count).pvalue for count in counts])
    adjusted = holm(p)
    return [
        {
            "quantity": name,
            "mean_rank": round(float(np.mean(ranks[name]) / (RANKS - 1)), 3),
            "p": round(float(p[i]), 4),
            "p_adjusted": round(float(adjusted[i]), 4),
            "uniform": bool(adjusted[i] > _LEVEL),
        }
        for i, name in enumerate(names)
    ]


def holm(p: np.ndarray) -> np.ndarray:
    """p-values adjusted for their number (Holm 1979)."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def table(runs: list[dict[str, Any]]) -> str:
    """One row per model, as a Markdown table."""
    lines = [
        "| model | replications | not converged | quantities | smallest p | the same, adjusted | not uniform |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for run in runs:
        worst = min(run["quantities"], key=lambda row: row["p"])
        bad = [row["quantity"] for row in run["quantities"] if not row["uniform"]]
        lines.append(
            f"| {run['adstock']} | {run['replications']} | {run['not_converged']} | {len(run['quantities'])} "
            f"| {worst['p']:.3f} ({worst['quantity']}) | {worst['p_adjusted']:.2f} | {', '.join(bad) or 'none'} |"
        )
    return "\n".join(lines)


def picture(runs: list[dict[str, Any]], path: Path) -> None:
    """Distribution functions of the ranks minus that of uniform ranks, with the band that holds 95 % of such curves."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(runs), figsize=(4.2 * len(runs), 3.4), sharey=True, squeeze=False)
    grid = np.arange(RANKS)
    for panel, run in zip(panels[0], runs, strict=True):
        band = _band(run["replications"], len(grid))
        panel.fill_between(grid, -band, band, color="0.88", label="95 % of single uniform curves")
        for name, ranks in run["ranks"].items():
            emphasised = name == _LOG_LIKELIHOOD
            panel.plot(
                grid,
                _excess(np.array(ranks)),
                color="#b3261e" if emphasised else "#1f4e79",
                lw=1.6 if emphasised else 0.7,
                alpha=1.0 if emphasised else 0.6,
                label=name if emphasised else ("parameters" if name == next(iter(run["ranks"])) else None),
            )
        panel.set_title(f"{run['adstock']}, {run['replications']} replications", fontsize=10)
        panel.set_xlabel("rank of the truth among 99 draws")
    panels[0, 0].set_ylabel("distribution function minus uniform")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=9, frameon=False, ncols=3, loc="lower center")
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    print(f"written: {path}")


def _excess(ranks: np.ndarray) -> np.ndarray:
    """(RANKS,) share of ranks at or below each, minus what it would be."""
    counts = np.bincount(ranks, minlength=RANKS)
    return counts.cumsum() / counts.sum() - np.arange(1, RANKS + 1) / RANKS


def _band(replications: int, size: int, simulations: int = 2000) -> np.ndarray:
    """(size,) half width that the whole curve of uniform ranks stays within, in 95 % of simulations."""
    generator = np.random.default_rng(0)
    expected = np.arange(1, size + 1) / size
    spread = np.sqrt(np.maximum(expected * (1 - expected), 1e-12) / replications)
    curves = np.array([_excess(generator.integers(0, size, replications)) for _ in range(simulations)])
    furthest = np.abs(curves[:, :-1] / spread[:-1]).max(axis=1)
    return np.append(np.quantile(furthest, 0.95) * spread[:-1], 0.0)
