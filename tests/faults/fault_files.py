# SPDX-License-Identifier: BSD-2-Clause
"""Faults of input files: rotated while weir runs, is killed or is stopped."""
from fault import Fault, fault


class Rotation(Fault):
    """`state` of weir meanwhile.  A file that comes and goes again unseen can not be read, and one that is renamed while weir is
    away is known by what was committed of it: so each strike ends with something of the new file committed."""

    needs = {"files"}
    gap = (0.05, 0.5)
    states = ("running", "killed", "stopped")

    def draw(self, rng):
        return {"state": rng.choice(self.states), "which": rng.random()}

    def strike(self, run, state, which):
        if state == "killed":
            run.kill()
        elif state == "stopped":
            run.stop()
        self.rotate(run.source, int(which * run.source.FILES))
        if state != "running":
            run.start()
        run.feed.pause()
        run.source.put(run.feed.step)
        run.arrived()
        run.feed.resume()
        run.recovered(run.begun)


@fault
class Rename(Rotation):
    name = "rename"

    def rotate(self, source, i):
        source.rename(i)


@fault
class CopyTruncate(Rotation):
    name = "copytruncate"

    def rotate(self, source, i):
        source.copy_truncate(i)


@fault
class Truncate(Rotation):
    """Cut without a copy, once everything in it was delivered and committed."""

    name = "truncate"

    def strike(self, run, state, which):
        run.feed.pause()
        run.arrived()
        run.stop()
        if state == "killed":  # with nothing to do
            run.start()
            run.kill()
        run.source.truncate(int(which * run.source.FILES))
        run.start()
        run.source.put(run.feed.step)
        run.arrived()
        run.feed.resume()
        run.recovered(run.begun)
