"""The controllers and a store, without processes: a node that says what it is told to."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
