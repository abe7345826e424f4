"""Who asks, and what they may do: tokens of ServiceAccounts, impersonation, RBAC.

Belongs here: what is decided of a caller before a request is looked at. The objects themselves (ServiceAccounts, Roles,
bindings) are stored, checked and kept up to date where all others are: see `admission` and `controllers`.
"""
