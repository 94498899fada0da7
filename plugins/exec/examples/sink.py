#!/usr/bin/env python3
"""A sink in Python: records become rows of an SQLite table, a batch is one transaction, a repeat changes nothing.

    [sink]
    plugin    = exec
    command   = /usr/share/doc/weir/exec/sink.py /var/lib/weir/records.db
    batch-end = yes
"""
import base64
import json
import sqlite3
import sys


def data(field):
    """Bytes that are no UTF-8 come as {"base64": ...}."""
    return base64.b64decode(field["base64"]) if isinstance(field, dict) else field


db = sqlite3.connect(sys.argv[1])
db.execute("create table if not exists records (topic, lane, place, key, value, primary key (topic, lane, place))")
numbers, rows = [], []
for line in sys.stdin:
    number, _, text = line.partition(" ")
    if text:
        record = json.loads(text)
        numbers.append(number)
        rows.append([record["topic"], record["partition"] or 0, record["offset"], data(record["key"]), data(record["value"])])
        continue
    try:  # the line was `end`
        with db:
            db.executemany("insert or ignore into records values (?, ?, ?, ?, ?)", rows)
        answer = "ok"
    except sqlite3.OperationalError as e:  # locked, the disk is full
        answer = f"retry {e}"
    print("".join(f"{n} {answer}\n" for n in numbers), end="", flush=True)
    numbers, rows = [], []
