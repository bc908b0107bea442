"""What every measurement says of the machine it ran on, and how its figures are kept."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "machine", "write_result"]

RESULTS = Path(__file__).parent / "results"


def machine(load_before: float | None = None) -> dict[str, Any]:
    """Cores, versions and load average now; where others share the machine, wall times are upper bounds.

    Args:
        load_before: load average at the beginning of the measurement.
    """
    import jax

    now = round(os.getloadavg()[0], 1)
    load = {"load": now} if load_before is None else {"load_before": round(load_before, 1), "load_after": now}
    device = {} if jax.default_backend() == "cpu" else {"accelerator": jax.devices()[0].device_kind}
    return {"cores": os.cpu_count(), **device, "python": platform.python_version(), "jax": jax.__version__, **load}


def write_result(path: Path, report: dict[str, Any], *, indent: int | None = 1) -> None:
    """Write the figures as JSON and say where; long ones on one line (`indent=None`)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=indent) + "\n", encoding="utf-8")
    print(f"written: {path}", flush=True)
