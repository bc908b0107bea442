"""How media acts: carry-over over time, then saturation."""
