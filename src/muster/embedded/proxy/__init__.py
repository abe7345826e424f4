"""The Service proxy: what kube-proxy is to a cluster.

Belongs here: the process that carries connections to Services (`server`, `relay`, run as `python -m
muster.embedded.proxy`) and the part of the cluster that tells it where to (`table`, `feed`).
"""
