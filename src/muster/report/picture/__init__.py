"""One drill in one picture: what clients saw, how long they waited, what was done when, and the RTO against its limits.

From top to bottom: fault, landed, recovery and good again as lines through all that follows; requests per second of the
load (of the probes, where there was no load); their P95 latency; a strip per probe; a bar per step of the recovery; the
RTO with its interval against budget and target. Times count from the injection, where there was one. Colours are told
apart with any colour vision, what is bad is hatched as well, and words are large enough for half the picture's width.
"""

from muster.report.picture.draw import draw

__all__ = ["draw"]
