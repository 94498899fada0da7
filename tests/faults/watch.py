# SPDX-License-Identifier: BSD-2-Clause
"""Looks at a run from outside, on a thread of its own: how much the sink holds, and weir's peak memory."""
import pathlib
import re
import threading
import time

import requests
from confluent_kafka import KafkaException

EVERY = 0.03  # seconds


class Watch:
    def __init__(self, sink):
        self.sink = sink
        self.most = 0  # that the sink was ever seen to hold
        self.looked_at = 0.0  # monotonic: when the last look that was answered began
        self.peak = 0  # bytes resident, over all processes of the run
        self.pids = set()
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.ending.wait(EVERY):
            self.look_at_memory()
            begin = time.monotonic()
            try:
                self.most = max(self.most, self.sink.progress())
                self.looked_at = begin
            except (requests.RequestException, KafkaException, KeyError):
                pass  # the server is what was struck

    def look_at_memory(self):
        """The kernel keeps the peak of each process."""
        for pid in list(self.pids):
            try:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            if m := re.search(r"VmHWM:\s+(\d+) kB", status):
                self.peak = max(self.peak, int(m[1]) * 1024)

    def stop(self):
        self.ending.set()
        self.thread.join(30)
