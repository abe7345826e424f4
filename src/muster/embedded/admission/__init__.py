"""Admission: what a new or changed object must be like before it is stored.

Defaults first, then the checks of its type; `ClusterRules` is what the store calls.
"""
