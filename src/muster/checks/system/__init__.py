"""What only a system.yaml tells: the service's own answers, databases, agents, work, and what muster itself did."""
