# SPDX-License-Identifier: BSD-2-Clause
"""Records as the tests see them, and `format = record` written a second time, independently of weir (docs/formats.md)."""
import base64
import json
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Record:
    """Bytes are bytes; None is null. Equality is what the tests compare."""

    value: bytes | None = None
    key: bytes | None = None
    headers: list = field(default_factory=list)  # of (name: str, value: bytes | None)
    timestamp: int | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None

    def at(self, topic, partition, offset):
        return replace(self, topic=topic, partition=partition, offset=offset)

    def payload_only(self):
        """What must arrive wherever it goes: all but the place."""
        return replace(self, topic=None, partition=None, offset=None)


ESCAPES = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def quote(text):
    """A JSON string that escapes only what must be."""
    out = [ESCAPES.get(ord(c)) or (f"\\u{ord(c):04x}" if ord(c) < 32 else c) for c in text]
    return '"' + "".join(out) + '"'


def encode_bytes(data):
    if data is None:
        return "null"
    try:
        return quote(data.decode("utf-8"))
    except UnicodeDecodeError:
        return '{"base64":"' + base64.b64encode(data).decode() + '"}'


def decode_bytes(data):
    if data is None:
        return None
    return base64.b64decode(data["base64"], validate=True) if isinstance(data, dict) else data.encode("utf-8")


def to_line(record):
    """The one line (without line feed) that weir writes for a record."""
    number = lambda n: "null" if n is None else str(n)  # noqa: E731
    headers = ",".join(f"[{quote(n)},{encode_bytes(v)}]" for n, v in record.headers)
    topic = "null" if record.topic is None else quote(record.topic)
    return (
        f'{{"topic":{topic},"partition":{number(record.partition)},"offset":{number(record.offset)}'
        f',"timestamp":{number(record.timestamp)},"key":{encode_bytes(record.key)}'
        f',"value":{encode_bytes(record.value)},"headers":[{headers}]}}'
    ).encode("utf-8")


def from_line(line):
    o = json.loads(line)
    assert list(o) == ["topic", "partition", "offset", "timestamp", "key", "value", "headers"]
    return Record(
        topic=o["topic"],
        partition=o["partition"],
        offset=o["offset"],
        timestamp=o["timestamp"],
        key=decode_bytes(o["key"]),
        value=decode_bytes(o["value"]),
        headers=[(n, decode_bytes(v)) for n, v in o["headers"]],
    )


def read_lines(data):
    """Splits a file of record lines at line feeds only."""
    assert data == b"" or data.endswith(b"\n")
    return [from_line(line) for line in data.split(b"\n")[:-1]]
