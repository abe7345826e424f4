"""Nothing to set up: muster's plugin is an entry point, and everything else stands in drills/ and tests/."""
