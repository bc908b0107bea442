"""Saturations: how effective media turns into effect. One module each, all acting on one value at a time."""
