"""A system looked at live: its release, what it does next by itself, objectives, parts, and keys that act on a release.

Belongs here: what is looked at again and again, what is shown of it (`view`, pure), the screen (`screen`), and what the
keys do. What is said of a part is `muster.status`'s, what is done to a release `muster.release`'s.
"""
