"""Controllers: each keeps one kind of promise by comparing what is wanted with what is there.

A controller is a class with `reconcile(key)` and a function that wires it to a `Reconciler`; `manager` starts them all.
"""
