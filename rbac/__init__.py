"""The Roles of ci/rbac, made from what each drill, procedure and tool was seen to ask of the API server.

`python -m rbac` holds every drill as an account of its own, reads the server's audit log and writes the Roles.
"""
