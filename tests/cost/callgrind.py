# SPDX-License-Identifier: BSD-2-Clause
"""Reads what callgrind wrote: instructions and calls, by the object file they belong to.

An object is weir or one of its plugins, by its path; everything else is foreign.  Names stand in the file once, as "(7) name",
and later as "(7)"; objects, and functions, are numbered apart."""
import re
from collections import Counter
from dataclasses import dataclass, field

NAME = re.compile(r"\((\d+)\)(?: (.*))?$")


@dataclass
class Counts:
    own: Counter = field(default_factory=Counter)  # (object, function): instructions
    calls: Counter = field(default_factory=Counter)  # (object, function) of who calls, the same of what: times

    def minus(self, other):
        own, calls = Counter(self.own), Counter(self.calls)
        own.subtract(other.own)
        calls.subtract(other.calls)
        return Counts(own, calls)


class Names:
    def __init__(self):
        self.known = {}

    def get(self, text):
        number, name = NAME.match(text).groups()
        if name is not None:
            self.known[number] = name
        return self.known[number]


def read(path):
    """A line of a call's own cost stands behind "calls=" and is inclusive: it is left out."""
    counts, objects, functions = Counts(), Names(), Names()
    here = there = called = None
    inclusive = False
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            key, _, rest = line.rstrip("\n").partition("=")
            if key == "ob":
                here = (objects.get(rest), None)
            elif key == "fn":
                here = (here[0], functions.get(rest))
            elif key == "cob":
                there = objects.get(rest)
            elif key == "cfn":
                called = (there or here[0], functions.get(rest))
                there = None
            elif key == "calls":
                counts.calls[here, called] += int(rest.split()[0])
                inclusive = True
            elif line[0] in "0123456789+-*":
                if not inclusive:
                    counts.own[here] += int(line.split()[1])
                inclusive = False
    return counts
