"""Fixtures of the tests with kills: a workplace, and one where nothing happened."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from workplace import undisturbed, workplace  # noqa: F401
