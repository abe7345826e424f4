"""Of which protocol a worker is: what API and workers must agree on, that is what a phase is given and leaves behind.

A worker says its own where it registers. The installation has one at a time, and only workers of that one are given
agents and phases: two kinds at work on the same workflows would each leave what the other cannot go on with.
"""

PROTOCOL = 1  # of this code's workers, and of an installation that this code makes
SPOKEN = (1,)  # by this code's API
