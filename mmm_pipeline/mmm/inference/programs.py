"""Compiled sampling programs: one per media transform and size, shared by degrees, reruns and escalations."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mmm_pipeline.mmm.inference import nuts
from mmm_pipeline.mmm.inference.density import DensityInputs, potential_energy
from mmm_pipeline.mmm.inference.whitening import Layout, coordinates

__all__ = ["CHUNK", "COMPILER_OPTIONS", "Program", "program", "use_compilation_cache"]

CHUNK = 100
"""Most iterations of one call of a program."""

_WRITABLE_BY_OTHERS = 0o022

_programs: dict[Any, Program] = {}
_compiling = threading.Lock()

COMPILER_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": ""}
"""A product that is handed to the YNNPACK library keeps its loop from becoming one function."""


class Program(NamedTuple):
    """The two compiled functions of a sampler; see `nuts.start` and `nuts.advance` for their arguments.

    With `chains` set, both work on that many chains at once (a leading dimension of keys, positions and states).
    """

    start: Callable[..., nuts.ChainState]
    advance: Callable[..., tuple[nuts.ChainState, nuts.Draws]]
    chains: int | None


def use_compilation_cache(path: Path | str) -> bool:
    """Keep compiled programs in a folder, so that the next process need not compile them again.

    What lies there is run without being looked at, so the folder must be this user's own, and is closed to others, and
    so are its files. What others could have put there before goes.

    Returns:
        Whether it is used: not a link, nor a folder that belongs to somebody else or cannot be made.
    """
    folder = Path(path)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return False
        folder.chmod(0o700)
        _close_to_others(folder, was_open=bool(found.st_mode & _WRITABLE_BY_OTHERS))
    except OSError:
        return False
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return True


def _close_to_others(folder: Path, *, was_open: bool) -> None:
    for entry in os.scandir(folder):
        # Another process of this user may remove what it wrote.
        with suppress(FileNotFoundError):
            found = entry.stat(follow_symlinks=False)
            is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1
            if stat.S_ISDIR(found.st_mode):
                continue
            if was_open or not is_ours or found.st_mode & _WRITABLE_BY_OTHERS:
                Path(entry).unlink()
            elif found.st_mode & 0o077:
                Path(entry).chmod(0o600)


def program(layout: Layout, inputs: DensityInputs, max_tree_depth: int, chains: int | None) -> Program:
    """The program for inputs of these shapes and this precision; compiled at the first request.

    Must be called, like the program, inside `jax.enable_x64` of the inputs' precision.

    Args:
        layout: what there is to sample.
        inputs: arrays of the size and precision to compile for; their values do not matter.
        max_tree_depth: a trajectory has at most 2^depth - 1 steps.
        chains: how many chains one call runs side by side; None: one, without the leading dimension.
    """
    shapes = tuple((array.shape, array.dtype.str) for array in jax.tree.leaves(inputs))
    key = (layout, shapes, max_tree_depth, chains, jax.default_backend())
    with _compiling:
        if key not in _programs:
            _programs[key] = _compiled(layout, inputs, max_tree_depth, chains)
        return _programs[key]


def _compiled(layout: Layout, inputs: DensityInputs, max_tree_depth: int, chains: int | None) -> Program:
    potential = partial(potential_energy, layout)
    start = partial(nuts.start, potential)
    advance = partial(nuts.advance, potential, max_tree_depth=max_tree_depth)
    if chains is not None:
        start = jax.vmap(start, in_axes=(0, 0, None))
        advance = jax.vmap(advance, in_axes=(0, None, None, None, None))

    dtype = inputs.kpi.dtype
    leading = () if chains is None else (chains,)
    key = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), leading) if leading else jax.random.key(0))
    position = jax.ShapeDtypeStruct((*leading, coordinates(layout)), dtype)
    state = jax.eval_shape(start, key, position, inputs)
    flags = jax.ShapeDtypeStruct((CHUNK,), np.int32)
    count = jax.ShapeDtypeStruct((), np.int32)
    target = jax.ShapeDtypeStruct((), dtype)

    # Lowering is Python and stays in this thread; XLA compiles outside the interpreter's lock.
    lowered = [jax.jit(start).lower(key, position, inputs), jax.jit(advance).lower(state, flags, count, target, inputs)]
    with ThreadPoolExecutor(len(lowered)) as threads:
        compiled_start, compiled_advance = threads.map(partial(_compile, x64=dtype == jnp.float64), lowered)
    return Program(compiled_start, compiled_advance, chains)


def _compile(lowered: Any, *, x64: bool) -> Any:
    with jax.enable_x64(x64):
        try:
            return lowered.compile(compiler_options=COMPILER_OPTIONS)
        except jax.errors.JaxRuntimeError as error:
            if "No such compile option" not in str(error):
                raise
            # Another version of XLA, without that library.
            return lowered.compile()
