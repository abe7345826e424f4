"""What the reference system's tests need: addresses, databases run by their own entrypoint, programs."""
