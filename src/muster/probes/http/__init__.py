"""How the service is asked: a request over a new or a kept connection, bounded in time, and what became of it."""
