"""Commands of a release: `muster deploy` and `muster rollback`."""
