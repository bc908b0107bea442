"""From a model and its window to a posterior that has been held against convergence thresholds."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.fit.posterior import inference_data
from mmm_pipeline.mmm.inference import nuts
from mmm_pipeline.mmm.inference.density import density_inputs, layout_of
from mmm_pipeline.mmm.inference.diagnostics import Attempt, Convergence, convergence_of, in_reach, parameter_diagnostics
from mmm_pipeline.mmm.inference.programs import CHUNK, program, use_compilation_cache
from mmm_pipeline.mmm.inference.validation import require_fittable, require_samplable
from mmm_pipeline.mmm.inference.whitening import coordinates
from mmm_pipeline.mmm.inference.xla import prepare_jax
from mmm_pipeline.mmm.specs import ConvergenceThresholds, ModelSpec, SamplerSettings

__all__ = ["SamplingProgress", "sample", "usable_cores", "use_compilation_cache"]

_REPORT_SECONDS = 0.5
"""Wall time that one call of the program aims at, and with it the interval of progress reports."""


Phase = Literal["warmup", "draws"]


@dataclass(frozen=True)
class SamplingProgress:
    """How far a chain is: `done` of `total` iterations of the phase; the total grows when more are drawn."""

    chain: int
    phase: Phase
    done: int
    total: int
    attempt: int = 1


def sample(
    spec: ModelSpec,
    data: ModelData,
    sampler: SamplerSettings | None = None,
    thresholds: ConvergenceThresholds | None = None,
    progress: Callable[[SamplingProgress], None] | None = None,
    threads: int | None = None,
) -> Fit:
    """Draw from the posterior with NUTS; draw more, then try again, harder, while the thresholds are missed.

    Chains run in parallel threads on a CPU and side by side in one program on an accelerator. The same seed gives the
    same draws on the same machine. A try that misses the thresholds by what more draws are expected to mend goes on
    from where its chains stand, in blocks of half as many draws. Every further try doubles the warm-up and halves the
    distance of the target acceptance to 1; each is recorded in `Fit.attempts`, and a fit that never meets the
    thresholds is returned marked as not converged. A first try must be free of divergent draws too: only after smaller
    steps have been tried are the few that the threshold accepts taken for harmless.

    Args:
        spec: the model.
        data: the window, from `model_data`; several markets are fitted together.
        sampler: chains, draws, seed and so on; default: 4 chains of 1000 + 1000.
        thresholds: when the fit counts as converged.
        progress: called at intervals and at the end of every phase, by one thread at a time.
        threads: chains drawn at once on a CPU; default: as many as this process may use cores. The draws do not depend
            on it.

    Raises:
        ModelInputError: the model or the window cannot be fitted; raised before anything is compiled.
    """
    sampler = sampler or SamplerSettings()
    thresholds = thresholds or ConvergenceThresholds()
    require_fittable(spec, data)
    require_samplable(sampler)
    prepare_jax()

    began = time.perf_counter()
    attempts: list[Attempt] = []
    for number, settings in enumerate(_escalation(sampler), start=1):
        tried = time.perf_counter()
        chains = _Chains(spec, data, settings, number, progress, threads or usable_cores())
        draws, block, blocks = chains.draw(settings.draws), -(-settings.draws // 2), 0
        most = settings.draws + block * settings.max_extensions
        while True:
            inference = inference_data(spec, data, draws, seed=(settings.seed, number))
            divergences, drawn = int(draws.diverging.sum()), draws.diverging.size
            verdict = convergence_of(parameter_diagnostics(inference["posterior"]), divergences, drawn, thresholds)
            done = verdict.converged or blocks == settings.max_extensions
            if done or not in_reach(verdict, drawn, thresholds, most * settings.chains):
                break
            blocks += 1
            draws = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), draws, chains.draw(block))
        attempts.append(_attempt(settings, draws.diverging.shape[1], verdict, time.perf_counter() - tried))
        if verdict.converged and (divergences == 0 or number > 1):
            break
    seconds = time.perf_counter() - began
    return Fit(spec, data, inference, verdict, tuple(attempts), seconds)


def usable_cores() -> int:
    """Cores that this process may use; fewer than the machine has under `taskset` or in some containers."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _escalation(sampler: SamplerSettings) -> Iterator[SamplerSettings]:
    """The settings of every try."""
    for number in range(1 + sampler.max_escalations):
        yield dataclasses.replace(
            sampler,
            warmup=sampler.warmup * 2**number,
            target_accept=1 - (1 - sampler.target_accept) / 2**number,
        )


def _attempt(settings: SamplerSettings, draws: int, verdict: Convergence, seconds: float) -> Attempt:
    return Attempt(
        warmup=settings.warmup,
        draws=draws,
        target_accept=settings.target_accept,
        rhat_max=verdict.rhat_max,
        ess_bulk_min=verdict.ess_bulk_min,
        ess_tail_min=verdict.ess_tail_min,
        divergences=verdict.divergences,
        seconds=seconds,
        converged=verdict.converged,
    )


def _precision(settings: SamplerSettings) -> type:
    return np.float64 if settings.double_precision else np.float32


class _Chains:
    """The chains of one try. They stay where the last draw left them, so that more can be drawn."""

    def __init__(
        self,
        spec: ModelSpec,
        data: ModelData,
        settings: SamplerSettings,
        attempt: int,
        progress: Callable[[SamplingProgress], None] | None,
        threads: int,
    ) -> None:
        self._settings, self._attempt, self._progress, self._threads = settings, attempt, progress, threads
        self._reporting, self._stopped = threading.Lock(), threading.Event()
        self._together = jax.default_backend() != "cpu"
        layout, inputs = layout_of(spec, data), density_inputs(spec, data, _precision(settings))
        with jax.enable_x64(settings.double_precision):
            chains = settings.chains
            self._program = program(layout, inputs, settings.max_tree_depth, chains if self._together else None)
            sequence = np.random.SeedSequence((settings.seed, attempt))
            words = sequence.generate_state(2 * chains).reshape(chains, 2)
            self._keys = jax.random.wrap_key_data(jnp.asarray(words, jnp.uint32))
            # The chains start from the prior, which is standard Normal in these coordinates.
            shape = (chains, coordinates(layout))
            self._positions = jnp.asarray(np.random.default_rng(sequence).standard_normal(shape), inputs.kpi.dtype)
            self._inputs = jax.device_put(inputs)
        self._states: dict[int, nuts.ChainState] = {}
        self._drawn = 0

    def draw(self, count: int) -> nuts.Draws:
        """The next `count` draws of every chain as NumPy arrays with leading dimensions (chain, draw).

        The first call warms up before. A chain's draws do not depend on how they are divided into calls.
        """
        chains = self._settings.chains
        if self._together:
            draws = self._advanced(range(chains), self._keys, self._positions, count)
        else:
            # One chain per thread; XLA computes outside the interpreter's lock.
            with ThreadPoolExecutor(min(chains, self._threads)) as threads:
                try:
                    futures = [threads.submit(self._one, chain, count) for chain in range(chains)]
                    results = [future.result() for future in futures]
                except BaseException:
                    self._stopped.set()
                    raise
            draws = jax.tree.map(lambda *columns: np.stack(columns), *results)
        self._drawn += count
        return draws

    def _one(self, chain: int, count: int) -> nuts.Draws:
        try:
            return self._advanced(range(chain, chain + 1), self._keys[chain], self._positions[chain], count)
        except BaseException:
            self._stopped.set()
            raise

    def _advanced(self, chains: range, key: jax.Array, position: jax.Array, count: int) -> nuts.Draws:
        """Draws of the chains that one program advances together, warmed up if they are not yet."""
        with jax.enable_x64(self._settings.double_precision):
            state = self._states.get(chains.start)
            if state is None:
                state = self._program.start(key, position, self._inputs)
                state, _ = self._run(chains, state, nuts.schedule(self._settings.warmup), "warmup", 0)
            state, rows = self._run(chains, state, np.zeros(count, np.int32), "draws", self._drawn)
            self._states[chains.start] = state
            return jax.tree.map(lambda *columns: np.concatenate(columns, axis=position.ndim - 1), *rows)

    def _run(
        self, chains: range, state: nuts.ChainState, flags: np.ndarray, phase: Phase, before: int
    ) -> tuple[nuts.ChainState, list[nuts.Draws]]:
        """The iterations that `flags` describes, a call of the program at a time; `before` counts earlier ones."""
        target = jnp.asarray(self._settings.target_accept, self._inputs.kpi.dtype)
        kept: list[nuts.Draws] = []
        done, count = 0, 10
        while done < len(flags) and not self._stopped.is_set():
            count = min(count, CHUNK, len(flags) - done)
            padded = np.zeros(CHUNK, np.int32)
            padded[:count] = flags[done : done + count]
            began = time.perf_counter()
            state, rows = self._program.advance(state, padded, np.int32(count), target, self._inputs)
            rows = jax.tree.map(np.asarray, rows)
            elapsed = time.perf_counter() - began
            if phase == "draws":
                iterations = (slice(None),) * (rows.diverging.ndim - 1) + (slice(count),)
                kept.append(jax.tree.map(lambda column, rows=iterations: column[rows], rows))
            done += count
            self._report(chains, phase, before + done, before + len(flags))
            count = max(1, int(count * min(4.0, _REPORT_SECONDS / max(elapsed, 1e-6))))
        return state, kept

    def _report(self, chains: range, phase: Phase, done: int, total: int) -> None:
        if self._progress is None:
            return
        with self._reporting:
            for chain in chains:
                self._progress(SamplingProgress(chain, phase, done, total, self._attempt))
