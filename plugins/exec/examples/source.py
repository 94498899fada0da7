#!/usr/bin/env python3
"""A source in Python: the rows of an SQLite table in the order they came; new ones as they come.

    [source]
    plugin    = exec
    command   = /usr/share/doc/weir/exec/source.py /var/lib/weir/records.db
    positions = yes
    format    = record
"""
import base64
import json
import os
import select
import sqlite3
import sys


def data(field):
    return {"base64": base64.b64encode(field).decode()} if isinstance(field, bytes) else field


db = sqlite3.connect(sys.argv[1])
last = int(os.environ["WEIR_POSITION"] or 0)
while True:
    for last, topic, key, value in db.execute("select rowid, topic, key, value from records where rowid > ? order by rowid", [last]):
        print(last, json.dumps({"topic": topic, "key": data(key), "value": data(value)}))
    sys.stdout.flush()
    if os.environ["WEIR_UNTIL_END"] == "1":
        break
    if select.select([sys.stdin], [], [], 1)[0] and not sys.stdin.readline():  # `committed` is of no use here
        break
