"""The kinds of patch: JSON patch, merge patch, strategic merge patch, server-side apply.

Pure functions of JSON values.
"""
