"""Figures and doubts become a verdict, and words for people."""
