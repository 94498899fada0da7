# SPDX-License-Identifier: BSD-2-Clause
"""What a fault is, and the list of all: every class marked @fault in a file fault_*.py of this folder."""
import importlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))  # faults may use its lib

FAULTS = {}


class Fault:
    """One object per run.  README.md says what a run offers to it.

    name   what --faults calls it
    needs  parts a lane must have: weir, broker, es, net (a server to reach), group (a consumer group), files (as source),
           sink-file, shared (a sink that two processes may write), once (repeats are not allowed)
    gap    seconds before each strike, from - to
    alone  the run has no other fault beside it"""

    name = ""
    needs = {"weir"}
    gap = (0.05, 0.5)
    alone = False

    def prepare(self, run):
        """Before weir is started first: options, environment, folders."""

    def draw(self, rng):
        """The random numbers of one strike, as keyword arguments for strike(): a seed tells the whole schedule."""
        return {}

    def strike(self, run, **drawn):
        """Does it, and mends what has to be mended before the next strike."""

    def heal(self, run):
        """After the last strike, or a failure: everything is well again."""

    def finish(self, run):
        """After the count, when all is well: further demands; raise AssertionError."""


def fault(cls):
    assert cls.name and cls.name not in FAULTS, cls
    FAULTS[cls.name] = cls
    return cls


def load():
    for path in sorted(pathlib.Path(__file__).parent.glob("fault_*.py")):
        importlib.import_module(path.stem)
    return FAULTS
