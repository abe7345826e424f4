"""What is to be said of a drill that was never judged: its process was killed. Its timeline tells what it came to."""

from __future__ import annotations

from pathlib import Path

from muster.base.errors import MusterError
from muster.verdict import DrillVerdict, Verdict, judge
from muster.verdict.reading.saved import Saved, read_saved

CUT_SHORT = "the session ended while the drill ran (killed, or the machine went down)"
ADVICE = "run it again, after a look at whether the fault was undone (muster undo)"


def entry_of_cut_short(saved: Saved, why: str = CUT_SHORT) -> DrillVerdict:
    """The entry of a drill whose timeline breaks off; `why` says what became of its process.

    A limit that was passed before the end stays passed; anything else is unknown for want of an end.
    """
    entry = judge(saved)
    entry.reasons = [why, *entry.reasons]
    if entry.verdict is not Verdict.MISSED:
        entry.verdict, entry.why, entry.advice = Verdict.UNKNOWN, why, ADVICE
    return entry


def read_cut_short(timeline: Path, nodeid: str, why: str = CUT_SHORT) -> DrillVerdict:
    """The same from a file, which may be missing or damaged: then nothing but `why` is known."""
    try:
        entry = entry_of_cut_short(read_saved(timeline), why)
    except MusterError:
        entry = DrillVerdict(name=timeline.stem, why=why, reasons=[why], advice=ADVICE)
    entry.name, entry.nodeid = timeline.stem, nodeid
    return entry
