# SPDX-License-Identifier: BSD-2-Clause
"""The records: JSON of about 230 bytes, the same in every run, and the same as record objects with key and headers."""
import json

METHODS = ("GET", "GET", "GET", "HEAD", "PUT", "GET", "POST", "GET")
STATES = (200, 200, 304, 200, 404, 200, 500, 200, 503, 204)
NOTE = "sensor index stream broker ledger commit window offset router bucket signal packet vector column schema "


def value(n):
    bits = n * 2654435761 % 2**32  # Knuth's multiplicative hash: scattered, and no generator whose order may change
    return (
        f'{{"n":{n},"time":"2026-03-01T{n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}.{n % 1000:03d}Z",'
        f'"host":"web-{bits % 32:02d}.example.net","client":"10.{bits >> 5 & 255}.{bits >> 13 & 255}.{bits >> 21 & 255}",'
        f'"method":"{METHODS[bits >> 7 & 7]}","path":"/v1/items/{bits >> 12 & 0xFFFF}","status":{STATES[bits % 10]},'
        f'"ms":{bits >> 24},"note":"{NOTE[bits & 31 :]}"}}'
    )


def line(n):
    return value(n) + "\n"


def record(n):
    whole = {"topic": "web", "partition": 0, "offset": n, "timestamp": 1700000000000 + n, "key": f"user-{n % 1000}",
             "value": value(n), "headers": [["trace", f"{n:016x}"], ["tenant", "acme"]]}
    return json.dumps(whole, separators=(",", ":")) + "\n"
