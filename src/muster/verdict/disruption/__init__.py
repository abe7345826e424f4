"""What happened to service: whether the fault landed, when service was disrupted, who brought it back, and which
streams can be relied on for saying so. `look` asks all of it, once. No target is known here."""
