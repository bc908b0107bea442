"""pipeline.yaml -> validated settings, one module per section."""
