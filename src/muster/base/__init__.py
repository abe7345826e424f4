"""What everything else stands on: errors, the clock, waiting, the timeline, child processes, files.

Belongs here: what has no opinion about Kubernetes, drills or verdicts. Imports nothing of ours.
"""
