# SPDX-License-Identifier: BSD-2-Clause
"""A source that keeps growing while the test kills and restarts its reader: numbered records, never far ahead of it."""
import threading


class Feeder:
    """Calls put(first, n) on a thread until finish(); `seen()` tells how many arrived, so that it stays `ahead` at most."""

    def __init__(self, put, seen, step=200, ahead=3000):
        self.put, self.arrived, self.step, self.ahead = put, seen, step, ahead
        self.count = 0
        self.error = None
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        try:
            while not self.ending.is_set():
                if self.count - self.arrived() < self.ahead:
                    self.put(self.count, self.step)
                    self.count += self.step
                else:
                    self.ending.wait(0.005)
        except Exception as e:  # told by finish(), on the test's thread
            self.error = e

    def seen(self):
        """How many arrived; fails if feeding has failed, so that nobody waits for what never comes."""
        assert not self.error, self.error
        return self.arrived()

    def finish(self):
        """Stops feeding; returns how many records there are."""
        self.stop()
        assert not self.error, self.error
        return self.count

    def stop(self):
        self.ending.set()
        self.thread.join(60)
        assert not self.thread.is_alive(), "put() or seen() hangs"


def crashes(weir, pipeline, feeder, rng, times=4):
    """Kills weir -9 so many times, each after a random number of further records has arrived."""
    for _ in range(times):
        run = weir.start(pipeline)
        mark = feeder.seen() + rng.randint(1, 4000)
        run.wait_for(lambda: feeder.seen() >= mark, f"{mark} records arrived")
        run.kill()
