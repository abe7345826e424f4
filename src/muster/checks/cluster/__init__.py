"""What carries all others: nodes, volumes, certificates."""
