"""What spend brings: responses, curves, attribution."""
