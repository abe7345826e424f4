"""The colours of verdicts, dark enough for words on white paper; a word always stands beside them."""

from __future__ import annotations

from muster.verdict import Verdict

OF_VERDICT = {Verdict.MET: "#007A55", Verdict.MISSED: "#B34700", Verdict.UNKNOWN: "#7A3E9D"}
