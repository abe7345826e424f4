"""The workers: each runs a share of the 61 agents, which do the phases of workflows."""
