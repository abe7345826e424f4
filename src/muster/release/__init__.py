"""Bringing out a new version of a system: canary, analysis, promotion, rollback (docs/releasing.md).

Belongs here: what a release is, its record in the cluster, how traffic is shared, the steps of its phases, its way
back. Whether a new version does well does not: see `muster.analysis`.
"""
