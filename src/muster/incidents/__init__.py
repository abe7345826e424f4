"""Incidents: what was wrong, who did what about it and when, and what that says over time.

Belongs here: keeping them in the store, who is to be asked next, the review, the indicators. How people are told does
not, and neither does what is found to be wrong (`muster.diagnosis`).
"""

from muster.incidents.book import Book
from muster.incidents.incident import Entry, Incident, IncidentError

__all__ = ["Book", "Entry", "Incident", "IncidentError"]
