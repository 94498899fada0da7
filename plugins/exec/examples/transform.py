#!/usr/bin/env python3
"""A transform in Python: one record for each word of a value; records without a word are dropped.

    [transform words]
    plugin  = exec
    command = /usr/share/doc/weir/exec/transform.py
"""
import json
import sys

for line in sys.stdin:
    number, _, text = line.partition(" ")
    record = json.loads(text)
    if not isinstance(record["value"], str):  # no UTF-8, or a tombstone
        print(number, "reject it is no text", flush=True)
        continue
    for word in record["value"].split():
        print(number, "emit", json.dumps({**record, "value": word}))
    print(number, "ok", flush=True)
