"""The node: a kubelet that runs the pods of the embedded cluster as processes of this machine.

Belongs here: everything between a pod that is bound to the node and its processes. `kubelet.py` is the way in.
"""
