"""Asset checks: the contracts between stages, and the figures of the narratives."""
