"""Which version of the enhancer this is: the tag of its image, which the image says in its environment."""

import os
import re

from enhancer.settings import SettingsError

VARIABLE = "ENHANCER_VERSION"
HEADER = "x-version"  # of every answer
UNTAGGED = "5.1"  # what runs from no image
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


def version() -> str:
    """The version that runs; raises SettingsError for what is none."""
    text = os.environ.get(VARIABLE, UNTAGGED)
    if not _VERSION.fullmatch(text):
        raise SettingsError(f"{VARIABLE} is {text!r}, must be a version such as {UNTAGGED}")
    return text
