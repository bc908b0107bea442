"""The data of a model: labelled arrays, windows, scales."""
