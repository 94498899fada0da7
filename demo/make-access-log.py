#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""make-access-log.py - writes demo/access.ndjson: a day of a small web shop, the same bytes at every run.

Made up, but shaped like the real thing: a daily curve, a few busy clients, assets beside pages, some errors, one
short outage of the checkout.  Run by hand; its output is in the tree.
"""
import json
import random
from datetime import datetime, timedelta, timezone

ROWS = 10000
START = datetime(2026, 11, 20, tzinfo=timezone.utc)
AGENTS = [
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36", 40),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", 30),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", 12),
    ("shop-app/4.12 (Android 16)", 14),
    ("uptime-check/2", 4),
]
PATHS = [("/", 16), ("/search?q={word}", 14), ("/item/{item}", 34), ("/cart", 10), ("/checkout", 5),
         ("/login", 5), ("/static/app.{build}.js", 9), ("/img/{item}.webp", 7)]
WORDS = ["kettle", "lamp", "boots", "über-mug", "tent", "notebook", "café+set", "drill"]
HOUR_WEIGHT = [2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 12, 11, 10, 10, 11, 13, 15, 16, 14, 10, 6, 3]


def pick(rng, pairs):
    return rng.choices([p[0] for p in pairs], [p[1] for p in pairs])[0]


def when(rng):
    hour = rng.choices(range(24), HOUR_WEIGHT)[0]
    return START + timedelta(hours=hour, seconds=rng.random() * 3600)


def row(rng, clients, number, time):
    path = pick(rng, PATHS).format(word=rng.choice(WORDS), item=rng.randrange(1000, 9999), build="3f9c1e")
    posting = path in ("/cart", "/checkout", "/login") and rng.random() < 0.6
    outage = path == "/checkout" and time.hour == 19 and time.minute < 12
    status = 503 if outage else pick(rng, [(200, 900), (304, 45), (404, 30), (302, 15), (401, 5), (500, 4), (429, 1)])
    slow = 30.0 if outage else 1.0
    return {
        "id": number,
        "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "host": f"web{rng.randrange(1, 4)}.shop.example",
        "client": rng.choice(clients),
        "method": "POST" if posting else "GET",
        "path": path,
        "status": status,
        "bytes": 0 if status in (304, 302) else int(rng.lognormvariate(8, 1.2)),
        "ms": round(rng.lognormvariate(3, 0.8) * slow, 1),
        "agent": pick(rng, AGENTS),
    }


def main():
    rng = random.Random(20261120)
    clients = [f"203.0.113.{rng.randrange(1, 255)}" for _ in range(60)]
    times = sorted(when(rng) for _ in range(ROWS))
    with open("access.ndjson", "w", encoding="utf-8") as out:
        for number, time in enumerate(times, 1):
            out.write(json.dumps(row(rng, clients, number, time), ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
