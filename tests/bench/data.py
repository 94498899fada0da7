# SPDX-License-Identifier: BSD-2-Clause
"""The records, and the fingerprint by which an output is compared with them.

A fingerprint is the number of lines and the sum of their 64-bit hashes: it does not depend on their order, and a record
lost, doubled or changed alters it.  hash() is keyed anew in each process, so fingerprints are compared only within one."""
import random
import subprocess
from dataclasses import dataclass

SIZE = 233  # bytes of a record, without line feed
SMALLEST = 100
METHODS = ("GET", "GET", "GET", "GET", "GET", "HEAD", "PUT", "POST")
STATES = (200, 200, 200, 200, 200, 200, 304, 301, 404, 400, 403, 500, 200, 204, 200, 503)
WORDS = "sensor index stream broker ledger commit window offset router bucket signal packet vector column schema token"


@dataclass(frozen=True)
class Print:
    count: int
    hash: int

    def __str__(self):
        return f"{self.count} records, sum {self.hash & (2**64 - 1):016x}"

    def __add__(self, other):
        return Print(self.count + other.count, self.hash + other.hash)


def record(n, rng, filler, size=SIZE):
    bits = rng.getrandbits(64)
    head = (
        f'{{"n":{n},"time":"2026-03-{1 + n // 86400000 % 28:02d}T{n // 3600000 % 24:02d}:{n // 60000 % 60:02d}:'
        f'{n // 1000 % 60:02d}.{n % 1000:03d}Z",'
    )
    if size >= SIZE:
        head += (
            f'"host":"web-{bits & 31:02d}.example.net","client":"10.{bits >> 5 & 255}.'
            f'{bits >> 13 & 255}.{bits >> 21 & 255}","method":"{METHODS[bits >> 29 & 7]}","path":"/v1/items/'
            f'{bits >> 32 & 0xFFFFF}","status":{STATES[bits >> 52 & 15]},"ms":{bits >> 56},'
        )
    head += '"note":"'
    at = bits & 1023
    return head + filler[at : at + size - 2 - len(head)] + '"}\n'


def make(path, count, seed, size=SIZE):
    """A file of records of `size` bytes; those smaller than SIZE have fewer fields."""
    rng = random.Random(seed)
    words = WORDS.split()
    filler = " ".join(rng.choice(words) for _ in range(300))
    filler *= 1 + (size + 1024) // len(filler)
    with open(path, "w", buffering=1 << 20) as f:
        for n in range(count):
            f.write(record(n, rng, filler, size))
    return of_file(path)


def head(source, target, count):
    """The first records of a file."""
    with open(source, "rb") as f, open(target, "wb") as out:
        out.writelines(f.readline() for _ in range(count))
    return of_file(target)


def of_lines(lines):
    count = total = 0
    while block := lines.readlines(1 << 20):
        count += len(block)
        total += sum(map(hash, block))
    return Print(count, total)


def of_file(path):
    with open(path, "rb") as f:
        return of_lines(f)


def of_command(command):
    """Of what a program prints."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        found = of_lines(process.stdout)
    return found
