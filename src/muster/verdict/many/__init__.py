"""What many drills prove together, and never more."""
