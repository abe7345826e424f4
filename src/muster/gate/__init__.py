"""Whether a release may be let in: evidence gathered, judged, and signed; and a signed file checked anywhere.

Belongs here: what an acceptance is (statement, items, waivers, answers of people), how it is judged, signed and
verified, and how its evidence is gathered. What the evidence itself consists of does not: checks look, drills prove,
the history keeps.
"""
