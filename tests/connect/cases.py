# SPDX-License-Identifier: BSD-2-Clause
"""What Kafka Connect's transforms and weir's are compared on.  docs/connect.md tells the differences that are marked here."""
import page
from case import DROP, REJECT, Cases, Differs, any_objects, rec, stage

NO_OBJECT = "to weir a value that is no object has no fields, which is no error here"
WRAPS = "Connect cuts a number that is too large to the type's bits; weir rejects it"
DIGITS = "Connect reads numbers into 64 bits; weir keeps their digits"
NULLS = "to Connect the JSON value null is no value, and becomes a tombstone"

cases = Cases()

# ---- all of them ----
cases.one("what no transform touches", stage("DropHeaders", {"headers": "x"}), """\
[transform t]
plugin = case
to     = lower
field  = .none""", [
    rec('{"a":{"b":[1,"zoë €",true,null,{}]},"c":-1.5,"d":""}', '{"k":1}', headers=[("a", "x"), ("b", None)]),
    rec('{"n":9223372036854775807}'),
    rec('{"n":9223372036854775808}'),
    rec('{"n":0.1,"m":1.50}'),
    rec('{"n":1e400}'),
    rec('{"n":0.1234567890123456789}'),
    rec(None, '{"k":1}'),
    rec("null"),
    rec("{}", "plain text"),
    rec("no json"),
], {
    2: Differs(DIGITS, rec('{"n":-9223372036854775808}'), rec('{"n":9223372036854775808}')),
    4: Differs(DIGITS, rec('{"n":"Infinity"}'), rec('{"n":1e400}')),
    5: Differs(DIGITS, rec('{"n":0.12345678901234568}'), rec('{"n":0.1234567890123456789}')),
    7: Differs(NULLS, rec(None), rec("null")),
    8: Differs("Connect parses what no transform looks at", REJECT, rec("{}", "plain text")),
})

# ---- Cast ----
cases.both("Cast to int32", "Cast", {"spec": "a:int32,b:int32"}, """\
[transform t]
plugin     = cast
as.a       = int32
on-missing = null
as.b       = int32""", [
    '{"a":"12","b":12.7}', '{"a":-1.9,"b":true}', '{"a":null,"b":"+7"}', '{"a":1}', None, '{"a":"x","b":1}',
    '{"a":"7.0","b":1}', '{"a":"","b":1}', '{"a":[1],"b":1}', '{"a":{"b":1},"b":1}', "[1]", '"x"',
    '{"a":99999999999,"b":1}', '{"a":" 7","b":1}', '{"a":2147483647,"b":-2147483648}',
], {
    12: (WRAPS, '{"a":1215752191,"b":1}', REJECT),
    13: ("white space around a number does not count", REJECT, '{"a":7,"b":1}'),
})
cases.both("Cast to int8, int16, int64", "Cast", {"spec": "a:int8,b:int16,c:int64"}, """\
[transform t]
plugin = cast
as.a   = int8
as.b   = int16
as.c   = int64""", [
    '{"a":127,"b":"-32768","c":9223372036854775807}', '{"a":"300","b":1,"c":1}', '{"a":1,"b":"32768","c":1}',
    '{"a":1,"b":1,"c":"9223372036854775808"}', '{"a":1,"b":1,"c":1e3}', '{"a":300,"b":1,"c":1}',
    '{"a":1,"b":1,"c":9223372036854775808}',
], {
    5: (WRAPS, '{"a":44,"b":1,"c":1}', REJECT),
    6: (WRAPS, '{"a":1,"b":1,"c":-9223372036854775808}', REJECT),
})
cases.both("Cast to float64", "Cast", {"spec": "a:float64"}, """\
[transform t]
plugin = cast
as.a   = float64""", [
    '{"a":5}', '{"a":"0.1"}', '{"a":0.1}', '{"a":"1e3"}', '{"a":true}', '{"a":9223372036854775807}', '{"a":"x"}',
    '{"a":1e400}', '{"a":"1e400"}',
], {
    7: ("infinity is no number of JSON", '{"a":"Infinity"}', REJECT),
    8: ("infinity is no number of JSON", '{"a":"Infinity"}', REJECT),
})
cases.both("Cast to float32", "Cast", {"spec": "a:float32"}, """\
[transform t]
plugin = cast
as.a   = float32""", ['{"a":5}', '{"a":"0.1"}', '{"a":0.1}', '{"a":16777217}', '{"a":1e300}'], {
    4: ("infinity is no number of JSON", '{"a":"Infinity"}', REJECT),
})
cases.both("Cast to boolean", "Cast", {"spec": "a:boolean"}, """\
[transform t]
plugin = cast
as.a   = boolean""", [
    '{"a":0}', '{"a":2}', '{"a":"true"}', '{"a":"TRUE"}', '{"a":"no"}', '{"a":false}', '{"a":"1"}', '{"a":"maybe"}',
    '{"a":0.5}',
], {
    6: ("to Connect every text but true is false", '{"a":false}', '{"a":true}'),
    7: ("to Connect every text but true is false", '{"a":false}', REJECT),
    8: ("to Connect what rounds down to 0 is false", '{"a":false}', '{"a":true}'),
})
cases.both("Cast to string", "Cast", {"spec": "a:string"}, """\
[transform t]
plugin = cast
as.a   = string""", [
    '{"a":1}', '{"a":-0.5}', '{"a":true}', '{"a":"zoë"}', '{"a":{"b":1}}', '{"a":[1]}', '{"a":null}',
    '{"a":9223372036854775808}', '{"a":1e21}', '{"a":1.50}',
], {
    7: (DIGITS, '{"a":"-9223372036854775808"}', '{"a":"9223372036854775808"}'),
    8: (DIGITS, '{"a":"1.0E21"}', '{"a":"1e21"}'),
    9: (DIGITS, '{"a":"1.5"}', '{"a":"1.50"}'),
})
cases.both("Cast of the whole", "Cast", {"spec": "string"}, """\
[transform t]
plugin = cast
to     = string""", ["5", '"5"', "5.5", "true", '{"a":1}', None, "null"], {6: (NULLS, None, "null")})

# ---- Filter ----
cases.one("Filter by HasHeaderKey", stage("Filter", {}, ("HasHeaderKey", {"name": "x"})), """\
[transform t]
plugin = filter
when   = $headers | has("x") | not""", [
    rec("1", headers=[("x", "1")]), rec("1", headers=[("y", "1"), ("x", None)]), rec("1", headers=[("X", "1")]), rec("1"),
    rec(None)])
cases.one("Filter by what HasHeaderKey is not true of", stage("Filter", {}, ("HasHeaderKey", {"name": "x"}), True), """\
[transform t]
plugin = filter
when   = $headers | has("x")""", [rec("1", headers=[("x", "1")]), rec("1")])
cases.one("Filter by RecordIsTombstone", stage("Filter", {}, ("RecordIsTombstone", {})), """\
[transform t]
plugin = filter
when   = $value != null""", [rec("1"), rec(None, '"k"'), rec('""'), rec("null")], {3: Differs(NULLS, DROP, rec("null"))})
cases.one("Filter by TopicNameMatches", stage("Filter", {}, ("TopicNameMatches", {"pattern": "shop\\..*"})), """\
[transform t]
plugin = filter
when   = $topic | test("^(?:shop\\\\..*)$") | not""", [
    rec("1"), rec("1", topic="a.shop.b"), rec("1", topic="shopping"), rec(None)])
cases.one("a predicate at another transform",
          stage("Cast$Value", {"spec": "a:string"}, ("TopicNameMatches", {"pattern": "shop\\..*"})), """\
[transform t]
plugin = cast
as.a   = string
when   = $topic | test("^(?:shop\\\\..*)$")""", [rec('{"a":1}'), rec('{"a":1}', topic="other"), rec(None)])

# ---- ReplaceField ----
cases.both("ReplaceField, exclude", "ReplaceField", {"exclude": "a,b"}, """\
[transform t]
plugin = fields
remove = .a, .b""", [
    '{"a":1,"b":2,"c":{"d":1,"a":2},"f":0.1}', '{"c":1}', '{"a":null}', "{}", None,
    '{"a":1,"c":9223372036854775808}', "5", "[1]", '"a"',
], {
    5: (DIGITS, '{"c":-9223372036854775808}', '{"c":9223372036854775808}'),
    6: (NO_OBJECT, REJECT, "5"),
    7: (NO_OBJECT, REJECT, "[1]"),
    8: (NO_OBJECT, REJECT, '"a"'),
})
cases.both("ReplaceField, include", "ReplaceField", {"include": "a,b"}, """\
[transform t]
plugin = fields
keep   = .a, .b""", ['{"a":1,"b":{"x":[]},"c":3}', '{"c":1}', '{"a":null}', "{}", None, "5"])
cases.both("ReplaceField, renames", "ReplaceField", {"renames": "a:x,b:y"}, """\
[transform t]
plugin     = fields
rename.a   = x
rename.b   = y
on-missing = keep""", ['{"a":1,"b":2,"c":3}', '{"b":null}', "{}", None, '{"a":{"a":1}}', '{"a":1,"x":2}'], {
    5: ("of two fields that get one name Connect keeps the one that was there; weir the renamed one", '{"x":2}', '{"x":1}'),
})
cases.both("ReplaceField, include and renames", "ReplaceField", {"include": "a,b", "renames": "a:x,c:y"}, """\
[transform keep]
plugin = fields
keep   = .a, .b
[transform rename]
plugin     = fields
rename.a   = x
on-missing = keep""", ['{"a":1,"b":2,"c":3}', '{"c":1}', None])

# ---- InsertField ----
cases.both("InsertField", "InsertField", {"topic.field": "t", "partition.field": "p", "offset.field": "o",
                                          "timestamp.field": "ts", "static.field": "s", "static.value": "x{y}é"}, """\
[transform t]
plugin  = fields
set.t   = {topic}
json.p  = {partition}
json.o  = {offset}
json.ts = {time:%s%L}
set.s   = x{{y}}é""", ['{"a":1}', '{"t":1,"p":{"x":1}}', "{}", None, "5", "[1]", '"x"', "null"], {
    7: (NULLS, None, REJECT),
})
cases.one("InsertField without a time", stage("InsertField$Value", {"timestamp.field": "ts"}), """\
[transform t]
plugin     = fields
json.ts    = {time:%s%L}
on-missing = keep""", [rec("{}", time=None), rec("{}", time=-1), rec('{"ts":1}', time=0)])

# ---- TimestampConverter ----
FORMAT = "yyyy-MM-dd HH:mm:ss"
cases.both("TimestampConverter, text to number", "TimestampConverter", {"field": "a", "target.type": "unix", "format": FORMAT}, """\
[transform t]
plugin     = timestamp
field      = .a
from       = %Y-%m-%d %H:%M:%S
to         = unix-ms
on-missing = null""", [
    '{"a":"2023-11-14 22:13:20","b":"2023-11-14 22:13:20"}', '{"a":"1969-12-31 23:59:59"}', '{"a":null}', "{}",
    '{"a":"2023-11-14"}', '{"a":"x"}', None, "5",
])
cases.both("TimestampConverter, number to text", "TimestampConverter", {"field": "a", "target.type": "string", "format": FORMAT}, """\
[transform t]
plugin     = timestamp
field      = .a
from       = unix-ms
to         = %Y-%m-%d %H:%M:%S
on-missing = null""", [
    '{"a":1700000000123}', '{"a":-1}', '{"a":0}', '{"a":null}', "{}", None, '{"a":253402300799999}', '{"a":true}',
    '{"a":1.5}', "5",
], {
    7: ("on-missing also says what becomes of a field that is neither text nor number", REJECT, '{"a":null}'),
    8: ("times may have a fraction", REJECT, '{"a":"1970-01-01 00:00:00"}'),
})
cases.both("TimestampConverter, seconds", "TimestampConverter",
           {"field": "a", "target.type": "unix", "unix.precision": "seconds", "format": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"}, """\
[transform t]
plugin = timestamp
field  = .a
from   = rfc3339
to     = unix""", [
    '{"a":"2023-11-14T22:13:20.123+02:00"}', '{"a":"2023-11-14T22:13:20.123Z"}', '{"a":"2023-13-14T22:13:20.123Z"}',
], {
    2: ("there is no 13th month; Java takes it for the January of the next year", '{"a":1705270400}', REJECT),
})
cases.both("TimestampConverter, from seconds", "TimestampConverter",
           {"field": "a", "target.type": "string", "unix.precision": "seconds", "format": FORMAT}, """\
[transform t]
plugin = timestamp
field  = .a
from   = unix
to     = %Y-%m-%d %H:%M:%S""", ['{"a":1700000000}', '{"a":-1}'])
cases.both("TimestampConverter of the whole", "TimestampConverter", {"target.type": "string", "format": FORMAT}, """\
[transform t]
plugin = timestamp
from   = unix-ms
to     = %Y-%m-%d %H:%M:%S""", ["1700000000123", None, "true", '"x"', "null"], {
    0: ("a time that is the whole value is its text, and no JSON string", '"2023-11-14 22:13:20"', "2023-11-14 22:13:20"),
    4: (NULLS, None, REJECT),
})
cases.both("TimestampConverter, format", "TimestampConverter",
           {"field": "a", "target.type": "string", "unix.precision": "milliseconds", "format": "EEE, dd MMM yyyy hh:mm:ss a DDD"},
           """\
[transform t]
plugin = timestamp
field  = .a
from   = unix-ms
to     = %a, %d %b %Y %I:%M:%S %p %j""", ['{"a":1700000000123}', '{"a":1000000000}'])

# ---- MaskField ----
cases.both("MaskField", "MaskField", {"fields": "a,b,c,d,e,f,g"}, """\
[transform t]
plugin = redact
fields = .a, .b, .c, .d, .e, .f, .g
action = blank""", [
    '{"a":"x","b":1.5,"c":7,"d":true,"e":[1,{"a":"x"}],"f":{"g":1},"g":null,"i":"a"}',
    '{"a":"","b":-0.0,"c":-7,"d":false,"e":[],"f":{},"g":"é"}', "no json", None, "5", '{"a":"x"}',
    '{"a":1e3,"b":1e400,"c":9223372036854775808,"d":0,"e":1,"f":1,"g":1}',
], {
    3: ("a tombstone has no fields, and passes", REJECT, None),
    4: (NO_OBJECT, REJECT, "5"),
    5: ("a field that is missing stays so", '{"a":"","b":null,"c":null,"d":null,"e":null,"f":null,"g":null}', '{"a":""}'),
})
cases.both("MaskField, replacement", "MaskField", {"fields": "a,b", "replacement": "***"}, """\
[transform t]
plugin      = redact
fields      = .a, .b
action      = blank
replacement = ***""", ['{"a":"x","b":"secret","c":"x"}', '{"a":"x","b":5}', '{"a":"x","b":true}', '{"a":"","b":""}'], {
    2: ("what can not hold the replacement is emptied as without one", REJECT, '{"a":"***","b":false}'),
})
cases.both("MaskField, a number as replacement", "MaskField", {"fields": "a", "replacement": "99"}, """\
[transform t]
plugin      = redact
fields      = .a
action      = blank
replacement = 99""", ['{"a":5}', '{"a":"x"}', '{"a":1.5}'], {
    2: (DIGITS, '{"a":99.0}', '{"a":99}'),
})

# ---- HoistField, ExtractField, Flatten ----
cases.both("HoistField", "HoistField", {"field": "li.ne"}, """\
[transform t]
plugin = hoist
field  = li.ne""", ['{"a":1}', "5", "[1,2.5]", '"zoë"', "{}", "true", "no json", None, "null", '{"a":9223372036854775808}'], {
    7: ("a tombstone stays one", '{"li.ne":null}', None),
    9: (DIGITS, '{"li.ne":{"a":-9223372036854775808}}', '{"li.ne":{"a":9223372036854775808}}'),
})
cases.both("ExtractField", "ExtractField", {"field": "a"}, """\
[transform t]
plugin     = extract
field      = .a
on-missing = null""", ['{"a":{"b":1},"c":1}', '{"a":"zoë"}', '{"a":-1.5}', '{"a":[]}', '{"a":null}', "{}", None, "no json", "[1]", "5",
], {
    8: (NO_OBJECT, REJECT, None),
    9: (NO_OBJECT, REJECT, None),
})
cases.both("ExtractField, nested", "ExtractField", {"field": "a.b", "field.syntax.version": "V2"}, """\
[transform t]
plugin     = extract
field      = .a.b
on-missing = null""", ['{"a":{"b":{"c":1}}}', '{"a":{}}', '{"a":null}', '{"a.b":1}', None, '{"a":5}'], {
    5: (NO_OBJECT, REJECT, None),
})
cases.both("ExtractField, a name with a dot", "ExtractField", {"field": "a.b"}, """\
[transform t]
plugin = extract
field  = ."a.b"
""", ['{"a.b":1,"a":{"b":2}}'])
cases.both("Flatten", "Flatten", {"delimiter": "_"}, """\
[transform t]
plugin    = flatten
delimiter = _""", [
    '{"a":{"b":{"c":1,"é":"x"}},"d":[{"e":{"f":1}}],"f":null,"g":true}', '{"a":{"b":null,"c":0.1}}', "{}", None, "no json",
    '{"a":{}}', '{"a":{"b":{}}}', '{"a_b":1,"a":{"b":2}}', "5", "[1]", '{"a":{"":1}}',
], {
    7: ("of two fields that get one name Connect keeps the one that its hash table has last, weir the last one",
        '{"a_b":1}', '{"a_b":2}'),
})

# ---- headers ----
H = [("a", "1"), ("b", "2"), ("a", "3"), ("c", None)]
cases.one("DropHeaders", stage("DropHeaders", {"headers": "a,c"}), """\
[transform t]
plugin = header
remove = a, c""", [rec("1", headers=H), rec("1"), rec(None, headers=H)])
cases.one("InsertHeader", stage("InsertHeader", {"header": "h", "value.literal": "v w"}), """\
[transform t]
plugin   = header
set.h    = v w
existing = add""", [rec("1"), rec("1", headers=[("h", "0"), ("i", "1")]), rec(None)])
NONE = [("ha", None), ("hb", None), ("hc", None)]
cases.one("HeaderFrom, copy", stage("HeaderFrom$Value", {"fields": "a,b,c", "headers": "ha,hb,hc", "operation": "copy"}), """\
[transform t]
plugin     = header
set.ha     = {.a}
set.hb     = {.b}
set.hc     = {.c}
existing   = add
on-missing = null""", [
    rec('{"a":"x","b":1.5,"c":true}'), rec('{"a":"é","b":{"f":[1]},"c":-7}'), rec('{"a":"x","b":null}'),
    rec('{"a":"x","b":1,"c":2}', headers=[("ha", "old")]), rec("no json"),
    rec('{"a":9223372036854775808,"b":1.50,"c":1}'), rec(None), rec("[1]"),
], {
    5: Differs(DIGITS, rec('{"a":-9223372036854775808,"b":1.5,"c":1}', headers=[("ha", "-9223372036854775808"), ("hb", "1.5"),
                                                                               ("hc", "1")]),
               rec('{"a":9223372036854775808,"b":1.50,"c":1}', headers=[("ha", "9223372036854775808"), ("hb", "1.50"), ("hc", "1")])),
    4: Differs(NO_OBJECT, REJECT, rec("no json", headers=NONE)),
    6: Differs("a tombstone has no fields, and passes", REJECT, rec(None)),
    7: Differs(NO_OBJECT, REJECT, rec("[1]", headers=NONE)),
})
cases.one("HeaderFrom, move", stage("HeaderFrom$Value", {"fields": "a", "headers": "ha", "operation": "move"}), """\
[transform copy]
plugin     = header
set.ha     = {.a}
existing   = add
on-missing = null
[transform remove]
plugin = fields
remove = .a""", [rec('{"a":"x","b":1}'), rec('{"b":1}')])
cases.one("HeaderFrom of the key", stage("HeaderFrom$Key", {"fields": "a", "headers": "ha", "operation": "copy"}), """\
[transform t]
plugin   = header
part     = key
set.ha   = {.a}
existing = add""", [rec('{"a":"value"}', '{"a":"key"}'), rec(None, '{"a":1}')])

# ---- ValueToKey ----
cases.one("ValueToKey", stage("ValueToKey", {"fields": "a,b"}), """\
[transform t]
plugin     = key
field.a    = {.a}
field.b    = {.b}
on-missing = null""", [
    rec('{"a":1,"b":{"c":[2]},"d":1}', '"old"'), rec('{"a":"é","b":true}'), rec('{"a":null,"b":-0.5}'), rec('{"a":1}'),
    rec("no json"), rec(None, '"k"'),
], {5: Differs("a tombstone keeps its key, which says what it removes", REJECT, rec(None, '"k"'))})

# ---- topics ----
cases.one("RegexRouter", stage("RegexRouter", {"regex": "shop\\.(.*)", "replacement": "new-$1"}), """\
[transform t]
plugin      = route
regex       = shop\\.(.*)
replacement = new-$1""", [rec("1"), rec("1", topic="x.shop.orders"), rec("1", topic="shop"), rec(None)])
cases.one("RegexRouter, names", stage("RegexRouter", {"regex": "(?<app>\\w+)\\.(?<what>\\w+)", "replacement": "${what}.of-${app}"}),
          """\
[transform t]
plugin      = route
regex       = (?<app>\\w+)\\.(?<what>\\w+)
replacement = $what.of-$app""", [rec("1"), rec("1", topic="a.b.c")])
cases.one("TimestampRouter", stage("TimestampRouter", {"topic.format": "${topic}-${timestamp}", "timestamp.format": "yyyyMMdd"}), """\
[transform t]
plugin = route
topic  = {topic}-{time:%Y%m%d}""", [rec("1"), rec("1", time=0), rec("1", time=-1), rec(None), rec("1", time=None)])

# ---- what only a schema can say ----
cases.one("TimestampConverter to a type of schemas", stage("TimestampConverter$Value", {"field": "a", "target.type": "Timestamp"}), "",
          [rec('{"a":1700000000123}'), rec(None)],
          {0: Differs("JSON has no such type, and without a schema Connect can not print one", REJECT, rec('{"a":1700000000123}'))})
cases.one("SetSchemaMetadata means nothing", stage("SetSchemaMetadata$Value", {"schema.name": "x"}), "",
          [rec('{"a":1}'), rec(None)],
          {0: Differs("without a schema there is nothing to name, and Connect fails", REJECT, rec('{"a":1}'))})

# ---- any objects ----
for smt, config, options in [
    ("Cast", {"spec": "a:string,b:string"}, "plugin = cast\nas.a = string\nas.b = string\non-missing = null"),
    ("Cast", {"spec": "a:int64"}, "plugin = cast\nas.a = int64\non-missing = null"),
    ("ExtractField", {"field": "a"}, "plugin = extract\nfield = .a\non-missing = null"),
    ("Flatten", {"delimiter": "_"}, "plugin = flatten\ndelimiter = _"),
    ("HoistField", {"field": "x"}, "plugin = hoist\nfield = x"),
    ("InsertField", {"static.field": "a", "static.value": "x"}, "plugin = fields\nset.a = x"),
    ("ReplaceField", {"exclude": "a,user,é"}, 'plugin = fields\nremove = .a, .user, ."é"'),
    ("ReplaceField", {"include": "a,b,x y"}, 'plugin = fields\nkeep = .a, .b, ."x y"'),
    ("ReplaceField", {"renames": "a:z,b:y"}, "plugin = fields\nrename.a = z\nrename.b = y\non-missing = keep"),
]:
    cases.both(f"{smt}, {' '.join(config.values())}, of anything", smt, config, f"[transform t]\n{options}",
               any_objects(f"{smt} {config}"))

# ---- the page ----
cases.one("the example of the page", [s for s in page.stages() if s["type"] != "TimestampRouter"], page.sections(), [
    rec('{"amount":"12.5","count":"3","card":"4111111111111111","user":{"name":"Zoë"}}', '"k"'),
    rec('{"amount":7,"count":2.9}', topic="store.orders"), rec(None), rec('{"amount":"x","count":1}'), rec("no json"),
])
