"""The leaderboard: every spec scored on the same days, and the rule by which one of them wins.

The rule, place by place: among the specs that converged and have no place yet, find the smallest error on the days they
had not seen (MAPE, or whichever is chosen); every spec whose error is worse by at most one standard error of the paired
differences ties with it; of those that tie the simplest gets the place. Simpler is: fewer Fourier pairs, then fewer
parameters per channel of the media transform, then the smaller error. A spec without a converged
fit gets no place. With several forecast windows, the standard error is the larger of the one over days and the one over
windows: days of one window share what the trend got wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from mmm_pipeline.errors import ModelNotConverged
from mmm_pipeline.mmm.evaluation.loo import Loo
from mmm_pipeline.mmm.evaluation.scores import RANKING_ERRORS, HoldoutScore, RankingError, standard_error
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.inference.diagnostics import Convergence
from mmm_pipeline.mmm.reasons import Reason, stored_reasons, told_reasons
from mmm_pipeline.mmm.specs import ModelSpec
from mmm_pipeline.tables.evaluation import LEADERBOARD
from mmm_pipeline.tables.frames import frame_of

__all__ = [
    "RIVAL_STANDARD_ERRORS",
    "Entry",
    "build_leaderboard",
    "champion_candidates",
    "champion_key",
    "crowned",
    "entry_of_fit",
    "entry_without_fit",
    "rival_keys",
]

RIVAL_STANDARD_ERRORS = 2.0
"""Specs that are worse than the best by no more than so many standard errors may be right just as well."""

WithoutFit = Literal["failed", "missing", "stale"]


@dataclass(frozen=True)
class Entry:
    """What the leaderboard knows of one spec.

    Attributes:
        spec: the model.
        score: its errors on the days it had not seen; None without a usable fit.
        convergence: the verdict on its posterior, or on all of them with several windows; None without a usable fit.
        loo: its leave-one-out accuracy on the train window; None without a usable fit.
        attempts: sampler runs it took.
        seconds: wall time of the fit.
        status: why there is no usable fit; None when there is one.
        reasons: the same with details.
    """

    spec: ModelSpec
    score: HoldoutScore | None = None
    convergence: Convergence | None = None
    loo: Loo | None = None
    attempts: int | None = None
    seconds: float | None = None
    status: WithoutFit | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def converged(self) -> bool:
        return self.convergence is not None and self.convergence.converged


def entry_of_fit(
    fit: Fit, score: HoldoutScore, loo: Loo | None = None, *, convergence: Convergence | None = None
) -> Entry:
    """The entry of a fit, converged or not.

    Args:
        fit: on the train window.
        score: its errors, or those of all forecast windows.
        loo: its leave-one-out accuracy.
        convergence: the verdict on all windows' fits; default: on this one.
    """
    return Entry(fit.spec, score, convergence or fit.convergence, loo, len(fit.attempts), fit.seconds)


def entry_without_fit(spec: ModelSpec, status: WithoutFit, reason: str = "") -> Entry:
    """The entry of a spec that failed, was never fitted, or was fitted on other inputs."""
    return Entry(spec, status=status, reasons=(Reason(status, {"error": reason}),))


def build_leaderboard(
    entries: Sequence[Entry],
    naive: pd.DataFrame,
    *,
    error: RankingError = "mape",
    weights: Mapping[str, float] | None = None,
    least_converged: int = 1,
) -> pd.DataFrame:
    """The table `leaderboard` of the contracts: ranked specs first, then the others by their error.

    Args:
        entries: one per spec.
        naive: the table `naive_forecasts` of the same days; skill compares with its best `error`.
        error: which error decides the places and the skill.
        weights: spec key -> stacking weight, where specs are averaged.
        least_converged: specs that must have converged; with fewer, the first place makes no champion.
    """
    ranked = _ranked(entries, error)
    unranked = sorted(
        (e for e in entries if not e.converged), key=lambda e: (e.score is None, _error(e, error), e.spec.key)
    )
    best_naive = float(naive[error].min())
    rivals = rival_keys(entries, error=error)
    placed = [*enumerate(ranked, start=1), *((None, entry) for entry in unranked)]
    rows = [
        {**_row(entry, place, error, best_naive, weights or {}), "is_rival": entry.spec.key in rivals}
        for place, entry in placed
    ]
    for row in rows:
        row["is_champion"] = row["rank"] == 1 and len(ranked) >= least_converged
    return frame_of(LEADERBOARD, rows)


def rival_keys(entries: Sequence[Entry], *, error: RankingError = "mape") -> set[str]:
    """Keys of the converged specs whose error is within `RIVAL_STANDARD_ERRORS` of the smallest."""
    able = [entry for entry in entries if entry.converged and entry.score is not None]
    if not able:
        return set()
    best = min(able, key=lambda entry: _error(entry, error))
    return {
        entry.spec.key for entry in able if entry is best or not _is_worse(entry, best, error, RIVAL_STANDARD_ERRORS)
    }


def champion_candidates(
    leaderboard: pd.DataFrame, least_converged: int = 1, *, accept_unconverged: bool = False
) -> list[str]:
    """Keys, `adstock|degrees`, of the specs that may be champion, best first.

    Args:
        leaderboard: of `build_leaderboard`.
        least_converged: specs that must have converged.
        accept_unconverged: whether specs that did not converge are better than none; they come last.

    Raises:
        ModelNotConverged: no spec converged, or fewer than asked for; the message says what each of the others missed
            and what to change.
    """
    converged = int((leaderboard["status"] == "converged").sum())
    able = leaderboard["status"].isin(["converged", "not_converged"] if accept_unconverged else ["converged"])
    if able.any() and (converged >= least_converged or accept_unconverged):
        return list(_keys(leaderboard[able]))
    others = leaderboard.loc[leaderboard["status"] != "converged", ["adstock", "degrees", "status", "reason"]]
    specs = [
        f"  {adstock}|{degrees}: {status}: {reason or 'no reason recorded'}"
        for adstock, degrees, status, reason in others.to_numpy()
    ]
    counted = (
        f"only {converged} of {len(leaderboard)} specs converged, and ranking.least_converged_specs asks for "
        f"{least_converged}"
    )
    raise ModelNotConverged(
        f"{counted if converged else 'no spec converged'}, so there is no champion and nothing below it can be "
        "trusted:\n"
        + "\n".join(specs or ["  no spec was asked for"])
        + ("\nLower ranking.least_converged_specs knowingly, or raise" if converged else "\nRaise")
        + " sampler.warmup, sampler.draws or sampler.target_accept, give the data fewer channels or more days, "
        "fit the missing specs, or loosen convergence.rhat_max and convergence.ess_min knowingly."
    )


def crowned(leaderboard: pd.DataFrame, champion: str) -> pd.DataFrame:
    """The leaderboard with `is_champion` at the spec that decisions use, `adstock|degrees`.

    That is another than the first place where this one's refit on all the data did not converge.
    """
    return leaderboard.assign(is_champion=(_keys(leaderboard) == champion).to_numpy())


def champion_key(champion_fit: pd.DataFrame) -> str:
    """Key of the spec that decisions use, from the table `champion_fit`."""
    row = champion_fit.iloc[0]
    return f"{row['adstock']}|{row['degrees']}"


def _keys(leaderboard: pd.DataFrame) -> pd.Series:
    return leaderboard["adstock"] + "|" + leaderboard["degrees"].astype(str)


def _ranked(entries: Sequence[Entry], error: RankingError) -> list[Entry]:
    waiting = [entry for entry in entries if entry.converged and entry.score is not None]
    ranked = []
    while waiting:
        best = min(waiting, key=lambda entry: (_error(entry, error), _complexity(entry.spec)))
        tied = [entry for entry in waiting if entry is best or not _is_worse(entry, best, error)]
        place = min(tied, key=lambda entry: (_complexity(entry.spec), _error(entry, error), entry.spec.key))
        ranked.append(place)
        waiting.remove(place)
    return ranked


def _complexity(spec: ModelSpec) -> tuple[int, int]:
    return spec.degrees, len(spec.transform.parameters)


def _is_worse(entry: Entry, best: Entry, error: RankingError, standard_errors: float = 1.0) -> bool:
    """Whether the paired errors tell `entry` to be worse than `best` by more than so many standard errors.

    Both need a score, on the same days.
    """
    assert entry.score is not None
    assert best.score is not None
    worse = entry.score.daily_errors(error) - best.score.daily_errors(error)
    noise = standard_error(worse, entry.score.window)
    mean = float(np.nanmean(worse))
    return mean > 0 if np.isnan(noise) else mean > standard_errors * noise


def _error(entry: Entry, name: RankingError) -> float:
    return float("inf") if entry.score is None else entry.score.error(name)


def _row(
    entry: Entry, place: int | None, error: RankingError, best_naive: float, weights: Mapping[str, float]
) -> dict[str, object]:
    score, convergence, loo = entry.score, entry.convergence, entry.loo
    reasons = _reasons(entry)
    status = entry.status or ("converged" if entry.converged else "not_converged")
    row: dict[str, object] = {
        "rank": place,
        "adstock": entry.spec.adstock,
        "degrees": entry.spec.degrees,
        "status": status,
        "reason": told_reasons(reasons) or None,
        "reasons": stored_reasons(reasons) if reasons else None,
        "weight": weights.get(entry.spec.key),
        "attempts": entry.attempts,
        "seconds": entry.seconds,
    }
    if score is not None:
        row |= {name: getattr(score, name) for name in (*RANKING_ERRORS, "coverage_50", "coverage_90")}
        row["skill"] = 1 - score.error(error) / best_naive if best_naive > 0 else None
    if loo is not None:
        row |= {"elpd_loo": loo.elpd, "elpd_loo_se": loo.se, "pareto_k_max": loo.pareto_k_max}
        row |= {"pareto_k_above": loo.days_above, "loo_status": loo.status}
    if convergence is not None:
        row |= {
            name: getattr(convergence, name) for name in ("rhat_max", "ess_bulk_min", "ess_tail_min", "divergences")
        }
    return row


def _reasons(entry: Entry) -> list[Reason]:
    reasons = [*entry.reasons]
    if entry.convergence is not None:
        reasons += entry.convergence.failures
    if entry.score is not None and entry.score.zero_periods:
        reasons.append(Reason("zero_periods", {"periods": str(entry.score.zero_periods)}))
    return reasons
