"""What runs: pods of workloads, rollouts, Jobs, what cannot be made and what cannot go, autoscalers."""
