"""From a model and its window to a posterior that has been held against convergence thresholds."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, overload

import jax
import jax.numpy as jnp
import numpy as np

from mmm_pipeline.mmm.data.inputs import FitData, PanelData
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.fit.panel_fit import PanelFit
from mmm_pipeline.mmm.fit.posterior import inference_data
from mmm_pipeline.mmm.inference import nuts
from mmm_pipeline.mmm.inference.density import DensityInputs, density_inputs, layout_of
from mmm_pipeline.mmm.inference.diagnostics import Attempt, Convergence, convergence_of, parameter_diagnostics
from mmm_pipeline.mmm.inference.programs import CHUNK, Program, program, use_compilation_cache
from mmm_pipeline.mmm.inference.validation import require_fittable, require_samplable
from mmm_pipeline.mmm.inference.whitening import coordinates
from mmm_pipeline.mmm.inference.xla import prepare_jax
from mmm_pipeline.mmm.specs import ConvergenceThresholds, ModelSpec, SamplerSettings

__all__ = ["SamplingProgress", "sample", "usable_cores", "use_compilation_cache"]

_REPORT_SECONDS = 0.5
"""Wall time that one call of the program aims at, and with it the interval of progress reports."""


@dataclass(frozen=True)
class SamplingProgress:
    """How far a chain is: `done` of `total` iterations of the phase."""

    chain: int
    phase: Literal["warmup", "draws"]
    done: int
    total: int
    attempt: int = 1


@overload
def sample(
    spec: ModelSpec,
    data: FitData,
    sampler: SamplerSettings | None = None,
    thresholds: ConvergenceThresholds | None = None,
    progress: Callable[[SamplingProgress], None] | None = None,
    threads: int | None = None,
) -> Fit: ...


@overload
def sample(
    spec: ModelSpec,
    data: PanelData,
    sampler: SamplerSettings | None = None,
    thresholds: ConvergenceThresholds | None = None,
    progress: Callable[[SamplingProgress], None] | None = None,
    threads: int | None = None,
) -> PanelFit: ...


@overload
def sample(
    spec: ModelSpec,
    data: FitData | PanelData,
    sampler: SamplerSettings | None = None,
    thresholds: ConvergenceThresholds | None = None,
    progress: Callable[[SamplingProgress], None] | None = None,
    threads: int | None = None,
) -> Fit | PanelFit: ...


def sample(
    spec: ModelSpec,
    data: FitData | PanelData,
    sampler: SamplerSettings | None = None,
    thresholds: ConvergenceThresholds | None = None,
    progress: Callable[[SamplingProgress], None] | None = None,
    threads: int | None = None,
) -> Fit | PanelFit:
    """Draw from the posterior with NUTS; try again, harder, while the thresholds are missed.

    Chains run in parallel threads on a CPU and side by side in one program on an accelerator. The same seed gives the
    same draws on the same machine. Every further try doubles the warm-up and halves the distance of the target
    acceptance to 1; each is recorded in `Fit.attempts`, and a fit that never meets the thresholds is returned marked as
    not converged. A first try must be free of divergent draws too: only after smaller steps have been tried are the few
    that the threshold accepts taken for harmless.

    Args:
        spec: the model.
        data: the window, from `fit_data`, or those of a panel of markets, from `panel_data`.
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
        draws = _sampled(spec, data, settings, number, progress, threads or usable_cores())
        inference = inference_data(spec, data, draws, seed=(settings.seed, number))
        divergences = int(draws.diverging.sum())
        verdict = convergence_of(
            parameter_diagnostics(inference["posterior"]), divergences, draws.diverging.size, thresholds
        )
        attempts.append(_attempt(settings, verdict, time.perf_counter() - tried))
        if verdict.converged and (divergences == 0 or number > 1):
            break
    seconds = time.perf_counter() - began
    if isinstance(data, PanelData):
        return PanelFit(spec, data, inference, verdict, tuple(attempts), seconds)
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


def _attempt(settings: SamplerSettings, verdict: Convergence, seconds: float) -> Attempt:
    return Attempt(
        warmup=settings.warmup,
        draws=settings.draws,
        target_accept=settings.target_accept,
        rhat_max=verdict.rhat_max,
        ess_bulk_min=verdict.ess_bulk_min,
        ess_tail_min=verdict.ess_tail_min,
        divergences=verdict.divergences,
        seconds=seconds,
        converged=verdict.converged,
    )


def _sampled(
    spec: ModelSpec,
    data: FitData | PanelData,
    settings: SamplerSettings,
    attempt: int,
    progress: Callable[[SamplingProgress], None] | None,
    threads: int,
) -> nuts.Draws:
    """Draws after warm-up, as NumPy arrays with leading dimensions (chain, draw)."""
    layout, inputs = layout_of(spec, data), density_inputs(spec, data, _precision(settings))
    on_cpu = jax.default_backend() == "cpu"
    with jax.enable_x64(settings.double_precision):
        run = program(layout, inputs, settings.max_tree_depth, None if on_cpu else settings.chains)
        sequence = np.random.SeedSequence((settings.seed, attempt))
        words = sequence.generate_state(2 * settings.chains).reshape(settings.chains, 2)
        keys = jax.random.wrap_key_data(jnp.asarray(words, jnp.uint32))
        # The chains start from the prior, which is standard Normal in these coordinates.
        shape = (settings.chains, coordinates(layout))
        positions = jnp.asarray(np.random.default_rng(sequence).standard_normal(shape), inputs.kpi.dtype)
        job = _Job(run, jax.device_put(inputs), settings, attempt, progress)
        if not on_cpu:
            return job.run(range(settings.chains), keys, positions)
        return job.run_in_threads(keys, positions, threads)


def _precision(settings: SamplerSettings) -> type:
    return np.float64 if settings.double_precision else np.float32


class _Job:
    """The chains of one try."""

    def __init__(
        self,
        run: Program,
        inputs: DensityInputs,
        settings: SamplerSettings,
        attempt: int,
        progress: Callable[[SamplingProgress], None] | None,
    ) -> None:
        self._program = run
        self._inputs = inputs
        self._settings = settings
        self._attempt = attempt
        self._progress = progress
        self._reporting = threading.Lock()
        self._stopped = threading.Event()

    def run_in_threads(self, keys: jax.Array, positions: jax.Array, at_once: int) -> nuts.Draws:
        """One chain per thread; XLA computes outside the interpreter's lock."""
        chains = self._settings.chains
        with ThreadPoolExecutor(min(chains, at_once)) as threads:
            try:
                futures = [threads.submit(self._chain, i, keys[i], positions[i]) for i in range(chains)]
                results = [future.result() for future in futures]
            except BaseException:
                self._stopped.set()
                raise
        return jax.tree.map(lambda *columns: np.stack(columns), *results)

    def run(self, chains: range, key: jax.Array, position: jax.Array) -> nuts.Draws:
        """The chains that one program advances together, through warm-up and draws."""
        warmup, total = self._settings.warmup, self._settings.warmup + self._settings.draws
        flags = nuts.schedule(warmup, self._settings.draws)
        target = jnp.asarray(self._settings.target_accept, self._inputs.kpi.dtype)
        state = self._program.start(key, position, self._inputs)
        kept: list[nuts.Draws] = []
        done, count = 0, 10
        while done < total and not self._stopped.is_set():
            # A call never straddles the end of warm-up, so that its rows are kept or dropped as a whole.
            count = min(count, CHUNK, (warmup if done < warmup else total) - done)
            padded = np.zeros(CHUNK, np.int32)
            padded[:count] = flags[done : done + count]
            began = time.perf_counter()
            state, rows = self._program.advance(state, padded, np.int32(count), target, self._inputs)
            rows = jax.tree.map(np.asarray, rows)
            elapsed = time.perf_counter() - began
            if done >= warmup:
                iterations = (slice(None),) * len(position.shape[:-1]) + (slice(count),)
                kept.append(jax.tree.map(lambda column, rows=iterations: column[rows], rows))
            done += count
            self._report(chains, done)
            count = max(1, int(count * min(4.0, _REPORT_SECONDS / max(elapsed, 1e-6))))
        return jax.tree.map(lambda *columns: np.concatenate(columns, axis=len(position.shape) - 1), *kept)

    def _chain(self, chain: int, key: jax.Array, position: jax.Array) -> nuts.Draws:
        try:
            with jax.enable_x64(self._settings.double_precision):
                return self.run(range(chain, chain + 1), key, position)
        except BaseException:
            self._stopped.set()
            raise

    def _report(self, chains: range, done: int) -> None:
        if self._progress is None:
            return
        warmup = self._settings.warmup
        in_warmup = done <= warmup
        with self._reporting:
            for chain in chains:
                self._progress(
                    SamplingProgress(
                        chain=chain,
                        phase="warmup" if in_warmup else "draws",
                        done=done if in_warmup else done - warmup,
                        total=warmup if in_warmup else self._settings.draws,
                        attempt=self._attempt,
                    )
                )
