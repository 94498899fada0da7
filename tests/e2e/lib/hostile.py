# SPDX-License-Identifier: BSD-2-Clause
"""The records that break careless programs. Each set is small: what counts is what is in it."""
import random

from lib.record import Record

MIB = 1 << 20
T = 1_700_000_000_123


def noise(n, seed=7):
    return random.Random(seed).randbytes(n)


# Anything Kafka can hold.
RECORDS = [
    Record(b"plain", b"key", [], T),
    Record(b"no key", None, [], T + 1),
    Record(b"", b"", [], T + 2),
    Record(None, b"tombstone", [], T + 3),
    Record(None, None, [], T + 4),
    Record(b"a\nb\r\nc\n", b"k\nk", [], 1),
    Record(b"\n", b"\n", [], T),
    Record(b"nul \x00 inside\x00", b"\x00", [], T),
    Record(b"\xff\xfe\x80 not utf-8 \xc0\x80\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", [], T),
    Record("žluťoučký 🐎 \u2028\u2029\ufeff".encode(), "klíč".encode(), [], T),
    Record(bytes(range(256)), bytes(range(255, -1, -1)), [], T),
    Record(b"\x00\x01\x07\x08\x09\x0a\x0b\x0c\x0d\x1f\x7f\"\\/", b"controls", [], T),
    Record(
        b"headers",
        b"h",
        [
            ("a", b"1"),
            ("a", b"2"),
            ("b", None),
            ("a", b"1"),
            ("", b"empty name"),
            ("empty", b""),
            ("binary", b"\x00\xff\n"),
            ("jméno", "hodnota".encode()),
            ("b", None),
        ],
        T,
    ),
    Record(None, b"tombstone with headers", [("why", b"deleted"), ("why", None)], T),
    Record(b'{"a":1, "b" : [1.0, 1e400, -0]}', b"json", [], T),
    Record(b'{"a":1}\n{"delete":{"_id":"x"}}', b"injection", [], T),
    Record(noise(MIB), b"1 MiB of noise", [], T),
    Record(b"\n" * MIB, b"1 MiB of line feeds", [], T),
    Record(b'"' * (MIB // 2), b"quotes", [], T),
    Record(b"last", b"key", [], T + 5),
]

# JSON objects on one line that Elasticsearch takes; they must arrive byte for byte, white space and number texts too.
DOCUMENTS = [
    b'{"id":0}',
    b"{}",
    b'{ "id" : 1 ,\t"white" :  [ 1 , 2 ] , "o" : { } }',
    b'  {"id":2,"numbers":[0,-0,1.0,1.50,1E+2,1e-7,12345678901234567890,123456789012345678901234567890,0.10]}  ',
    b'{"id":3,"escapes":"\\u0041\\/\\n\\t\\u0000\\ud83d\\udc0e\\"\\\\"}',
    '{"id":4,"text":"žluťoučký 🐎 \u2028 \x7f","klíč":true}'.encode(),
    b'{"id":5,"deep":{"a":{"b":{"c":[{"d":[[1]]},{}]}}},"null":null}',
    b'{"id":6,"text":"' + b"x y " * (MIB // 4) + b'"}',
    b'{"id":7,"order":1,"z":1,"a":2,"m":3}',
    b'{"index":{"_index":"evil","_id":"1"}}',
    b'{"delete":{"_id":"x"}}',
]

# The same records over several lines, and what must arrive: line feeds between tokens go, those in strings stay escaped.
MULTILINE = [
    (b'{\n  "a": 1,\n  "b": "x\\ny"\n}\n', {"a": 1, "b": "x\ny"}),
    (b'\r\n{"c":\r\n[1,\n\n2]}', {"c": [1, 2]}),
    (b'{"d":"two  blanks"\n}', {"d": "two  blanks"}),
]

# Lines of text: what `format = raw` carries.
LINES = [
    b"plain",
    b"",
    b" leading and trailing \t",
    b"carriage return\r",
    b"nul \x00 inside",
    b"\xff\xfe not utf-8 \xc0\x80",
    "žluťoučký 🐎".encode(),
    noise(1 << 16).replace(b"\n", b"\x0b"),
    b'{"a" : 1}',
    b"\r",
    b"last",
]
