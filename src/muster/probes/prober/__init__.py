"""The prober, a process of its own: when each probe asks, what it tells, how it is started and stopped."""
