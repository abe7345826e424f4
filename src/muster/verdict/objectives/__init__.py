"""What was wanted of the drill, each held against what was measured: met, missed or unknown."""
