"""The instrument checked: outages whose beginning and end are known, measured by the product's own parts.

`python -m selfcheck` (or `make selfcheck`) prints how far the figures are from the truth. What belongs here is the
scripted service, the cases and their statistics; what is measured with is `muster` itself.
"""
