"""The incident manual and the runbook of a system, of what the code does and its system.yaml declares.

Facts are gathered (`content`), told in a language (`words`, `writing`, and the templates, which hold what is
judgement), and kept as files (`files`) or as one page (`page`). Nothing about one system belongs here.
"""

from muster.manual.content import Manual, manual
from muster.manual.files import Drift, drift, write
from muster.manual.page import page
from muster.manual.words import LANGUAGES
from muster.manual.writing import texts

__all__ = ["LANGUAGES", "Drift", "Manual", "drift", "manual", "page", "texts", "write"]
