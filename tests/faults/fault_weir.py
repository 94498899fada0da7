# SPDX-License-Identifier: BSD-2-Clause
"""Faults of weir's own process: killed, asked to stop, and a second member of its group that comes and goes."""
import signal
import time

from fault import Fault, fault


@fault
class Kill(Fault):
    """kill -9 at any moment: in full flow, while it starts, while it drains."""

    name = "kill"
    gap = (0.0, 0.3)

    def draw(self, rng):
        moment = rng.choices(["flowing", "starting", "draining"], [60, 25, 15])[0]
        return {"moment": moment, "after": rng.uniform(0, {"flowing": 0.5, "starting": 0.3, "draining": 0.05}[moment])}

    def strike(self, run, moment, after):
        if moment == "starting":
            run.kill()
            run.start()
        else:
            run.recovered(run.begun)
        if moment == "draining":
            run.running.signal(signal.SIGTERM)
        run.pause(after, check=moment != "draining")
        run.kill(stopping=moment == "draining")
        run.start()


@fault
class Term(Fault):
    """SIGTERM at any moment: it ends well, and its books balance."""

    name = "term"
    gap = (0.0, 0.3)

    def draw(self, rng):
        return {"starting": rng.random() < 0.3, "after": rng.uniform(0, 0.4)}

    def strike(self, run, starting, after):
        if starting:
            run.stop()
            run.start()
        else:
            run.recovered(run.begun)
        run.pause(after)
        if run.takes_signals():
            run.stop()
        else:
            run.kill()  # before that SIGTERM is as good
        run.start()


class Second(Fault):
    """A second process on the same group and the same sink."""

    gap = (0.2, 1.0)

    def prepare(self, run):
        # A member that is dead or stands still holds its partitions for as long as the group waits for it.
        run.options["source"] |= {"instance": "", "rdkafka.session.timeout.ms": 6000, "rdkafka.heartbeat.interval.ms": 500}


@fault
class Member(Second):
    """It joins, and leaves in good order or killed; or it stays and the first one is killed."""

    name = "member"
    needs = {"group", "shared"}

    def draw(self, rng):
        return {"end": rng.choice(["stop", "kill", "kill the first"]), "after": rng.uniform(0, 3)}

    def strike(self, run, end, after):
        second = run.launch("q")
        run.pause(after)
        if end == "kill the first":
            run.kill()
            run.running, run.begun = second, time.monotonic()
        elif end == "kill":
            run.kill(second)
        else:
            run.stop(second)
        if end != "stop":  # the group waits for the dead one: that is no recovery of weir's
            run.recovered(time.monotonic(), counts=False)
        if end == "kill the first":
            run.start()
            run.stop(second)
        run.recovered(time.monotonic(), counts=False)


@fault
class Freeze(Second):
    """weir stands still (SIGSTOP) until the group has given its partitions to the second; then it goes on where it stood.

    What it still has in its hands must not come again: a transaction is fenced, a document is the same."""

    name = "freeze"
    needs = {"group", "shared", "once"}

    def draw(self, rng):
        return {"before": rng.uniform(0.5, 2), "standing": rng.uniform(6.5, 9)}

    def strike(self, run, before, standing):
        second = run.launch("q")
        run.pause(before)
        run.running.signal(signal.SIGSTOP)
        run.pause(standing)
        run.running.signal(signal.SIGCONT)
        run.recovered(time.monotonic(), counts=False)
        run.stop(second)
        run.recovered(time.monotonic(), counts=False)
