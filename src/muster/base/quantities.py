"""Amounts as Kubernetes writes them."""

from __future__ import annotations

_FACTORS = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


def amount(text: object) -> float:
    """A quantity such as `500m`, `1.5` or `48Mi` as a number (processors, bytes, pieces); 0 where it is none."""
    said = str(text).strip()
    for length in (2, 1, 0):
        suffix = said[len(said) - length :] if length else ""
        if suffix in _FACTORS:
            try:
                return float(said[: len(said) - length]) * _FACTORS[suffix]
            except ValueError:
                continue
    return 0.0


def bytes_text(value: float) -> str:
    """Bytes for people, as Kubernetes would write them."""
    for suffix in ("Ti", "Gi", "Mi", "Ki"):
        if value >= _FACTORS[suffix]:
            return f"{value / _FACTORS[suffix]:.4g}{suffix}"
    return f"{value:g}"


def cores_text(value: float) -> str:
    """Processors for people."""
    return f"{value:g}"
