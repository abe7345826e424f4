"""Checks: each looks at one thing of a snapshot and says what it finds, and what it could not see.

Belongs here: what a check is, the checks that muster has, those of packages and of system.yaml. Gathering does not
(`muster.snapshot`), nor what explains what, and how it is told (`muster.diagnosis`).
"""
