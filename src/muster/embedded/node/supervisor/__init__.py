"""The pod supervisor: one small process per pod that starts, watches and ends the pod's containers.

Belongs here: what runs in that process, between the kubelet and the containers' own programs. It imports the standard
library only, and of that what loads fast (no json, no pathlib, no dataclasses), so that a pod starts in 20 ms.
"""
