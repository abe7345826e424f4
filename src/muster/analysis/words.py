"""Figures in the sentences of an analysis."""

from __future__ import annotations


def percent(ratio: float) -> str:
    """`0.02 %`, `2.1 %`, `100 %`: two digits that count."""
    value = 100 * ratio
    return f"{value:.0f} %" if value >= 9.95 else f"{value:.2g} %"


def many(count: float) -> str:
    """`12,345`."""
    return f"{count:,.0f}"


def span(seconds: float) -> str:
    """`40 s`, `12.5 min`."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f}".rstrip("0").rstrip(".") + " min"


def share(ratio: float) -> str:
    """`5 %`, `12.5 %`."""
    return f"{100 * ratio:g} %"
