# SPDX-License-Identifier: BSD-2-Clause
"""Waiting for a condition, bounded: tests never sleep in its place."""
import time


def until(condition, what, timeout=60, every=0.02):
    """Polls until condition() is true and returns its value; fails with `what` (text or function) after `timeout`."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {timeout} s still not: {what() if callable(what) else what}")
        time.sleep(every)


def stays(condition, seconds, every=0.02):
    """Whether condition() holds now and each time it is asked for so long."""
    end = time.monotonic() + seconds
    while condition():
        if time.monotonic() > end:
            return True
        time.sleep(every)
    return False
