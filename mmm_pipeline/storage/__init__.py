"""Where things are kept: the home folder, files, artifacts, locks, the warehouse."""
