"""Minutes long, with the real daemon: `make test-faults`."""
