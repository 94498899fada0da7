# SPDX-License-Identifier: BSD-2-Clause
"""Feeds a source at a steady rate, on a thread of its own, until it is told to end."""
import threading
import time

TICK = 0.05  # seconds between two appends


class Feed:
    def __init__(self, source, rate):
        self.source = source
        self.step = max(6, int(rate * TICK) // 6 * 6)  # divides by the number of partitions and of files
        self.error = None
        self.ending = threading.Event()
        self.going = threading.Event()
        self.going.set()
        self.idle = threading.Lock()  # held while records are put
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        due = time.monotonic()
        try:
            while not self.ending.is_set():
                self.going.wait()
                with self.idle:
                    if self.going.is_set() and not self.ending.is_set():
                        self.source.put(self.step)
                due = max(due + TICK, time.monotonic() - 1)  # a server that was away: a second is made good
                self.ending.wait(max(0, due - time.monotonic()))
        except Exception as e:  # told by check(), on the main thread
            self.error = e

    def check(self):
        if self.error:
            raise AssertionError(f"the feeder failed: {self.error}")

    def pause(self):
        """Returns when nothing is being put any more."""
        self.going.clear()
        with self.idle:
            pass
        self.check()

    def resume(self):
        self.going.set()

    def finish(self):
        self.ending.set()
        self.going.set()
        self.thread.join(300)
        self.check()
