"""enhancer: 61 agents that carry workflows through 8 phases. The reference system that muster drills.

`storage` speaks to the databases, `api` and `agents` are the two programs, the modules here are what both
share. Nothing in this package knows that it is being drilled: `api.hanging` and `defect` do what no drill could order
otherwise, and only when they are told to.
"""
