# SPDX-License-Identifier: BSD-2-Clause
"""The records: JSON of about 230 bytes, the same in every run; the same as record objects with key and headers; and written in
other ways, for parse, with lines of a web server of about 190 bytes."""
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


def docker(n):
    return json.dumps({"log": value(n) + "\n", "stream": "stdout", "time": "2026-03-01T00:00:00.000000000Z"}) + "\n"


def csv(n):
    return ",".join(f'"{v}"' if key == "note" else str(v) for key, v in json.loads(value(n)).items()) + "\n"


def logfmt(n):
    return " ".join(f'{key}="{v}"' if key == "note" else f"{key}={v}" for key, v in json.loads(value(n)).items()) + "\n"


def syslog(n):
    at = json.loads(value(n))
    return (f'<165>1 {at["time"]} {at["host"]} web {n % 10000} ID47 [request@1 method="{at["method"]}" path="{at["path"]}"]'
            f' {at["note"]}\n')


def record(n):
    whole = {"topic": "web", "partition": 0, "offset": n, "timestamp": 1700000000000 + n, "key": f"user-{n % 1000}",
             "value": value(n), "headers": [["trace", f"{n:016x}"], ["tenant", "acme"]]}
    return json.dumps(whole, separators=(",", ":")) + "\n"


def access(n):
    bits = n * 2654435761 % 2**32
    second = n // 8
    return (
        f'10.{bits >> 5 & 255}.{bits >> 13 & 255}.{bits >> 21 & 255} - {"ann" if n % 8 == 0 else "-"} '
        f'[01/Mar/2026:{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d} +0100] "{METHODS[bits >> 7 & 7]} /v1/items/{bits >> 12 & 0xFFFF} HTTP/1.1" '
        f'{STATES[bits % 10]} {bits >> 14 & 0xFFFF} "{"-" if n % 3 else "https://www.example.com/items"}" '
        '"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"\n'
    )
