"""Why pods do not run: image, configuration, volume, scheduling, crash, memory, probe.

Belongs here: from one pod's status, events and log to the reason, in the words that a person would use.
"""
