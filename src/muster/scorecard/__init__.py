"""The page for whoever answers for the service: what is proven, how old the proof is, what is overdue and open."""

from muster.scorecard.content import Scorecard, scorecard
from muster.scorecard.page import page

__all__ = ["Scorecard", "page", "scorecard"]
