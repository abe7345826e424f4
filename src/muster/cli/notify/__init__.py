"""`muster notify`: the commands, and what they print."""
