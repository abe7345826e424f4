"""Releases of known quality, simulated, and what several rules make of them: the table of docs/releasing.md.

world        traffic, noise, and what a release does to it
rules        who looks at it: muster's analysis, and fixed thresholds
simulation   many releases under each rule
table        the figures as Markdown, and into the page
"""
