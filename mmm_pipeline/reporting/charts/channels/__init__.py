"""Charts of what each channel brings."""
