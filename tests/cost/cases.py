# SPDX-License-Identifier: BSD-2-Clause
"""The cases: each lane, and each transform on the way from file to file, as sections of a pipeline.

What follows the clock is switched off or far away: commits, requests that wait for company."""
from dataclasses import dataclass

WHEN = '.status >= 500 and (.path | startswith("/v1/")) or .ms < 20 and (.host | test("^web-0[0-9]")) or .method == "PUT"'

SCHEMA = ('{"type":"object","required":["time","status","host"],"properties":{"time":{"type":"string","minLength":20},"method":{"enum":["GET","HEAD","POST","PUT","PATCH","DELETE"]},'
          '"status":{"type":"integer","minimum":100,"maximum":599},"host":{"pattern":"^web-"},"ms":{"type":"number"}}}')
EDITS = ("set.site = {.host}\n", "remove = .client\n", "rename.ms = took\n", "set.kind = web\n", "default.level = info\n")
LUA = "function process(r) local v = r.value v.method = v.method:upper() return r end"  # as the cases `case` and `jq`

# A line of a web server, combined: the same fields by a regex, and by the names that grok has for its parts.
REGEX = (r'^(?<client>\S+) (?:-|(?<ident>\S+)) (?:-|(?<user>\S+)) \[(?<time>[^\]]+)\] "(?<method>[A-Z]+) (?<path>\S+) (?<protocol>HTTP/[0-9.]+)" '
         r'(?<status>\d+) (?:-|(?<bytes>\d+)) "(?:-|(?<referer>[^"]*))" "(?:-|(?<agent>[^"]*))"$')
GROK = (r'^%{IPORHOST:client} (?:-|%{HTTPDUSER:ident}) (?:-|%{HTTPDUSER:user}) \[%{HTTPDATE:time}\] "%{WORD:method} %{NOTSPACE:path} '
        r'(?<protocol>HTTP/%{NUMBER})" %{INT:status:int} (?:-|%{INT:bytes:int}) "(?:-|%{DATA:referer})" "(?:-|%{DATA:agent})"$')


@dataclass(frozen=True)
class Case:
    name: str
    source: str
    sink: str
    input: str = "lines"  # JSON values; "records": whole records one a line; or a name of inputs.py's
    transform: str = ""
    needs: tuple = ()  # plugins
    hot: bool = False  # a plain lane: its waits are counted too
    partitions: int = 1  # of the topic that is read


FILE_IN = "plugin = file\npath = {input}\n"
FILE_OUT = "plugin = file\npath = {output}/out\n"
KAFKA_IN = "plugin = kafka\nbrokers = {brokers}\ntopics = {topic}\ngroup = {group}\ninstance =\n"
KAFKA_OUT = "plugin = kafka\nbrokers = {brokers}\ntopic = {fresh}\n"
BULK = "plugin = elasticsearch\nurl = {url}\nindex = web\nbatch.records = 1000\nbatch.linger = 1h\n"
RECORD = "format = record\n"


def lane(name, source, sink, **more):
    names = {part.partition("\n")[0].split()[-1] for part in (source, sink)}
    return Case(name, source, sink, needs=tuple(sorted(names)), **more)


def transform(name, text, sink=FILE_OUT, **more):
    plugin = (text.partition("\n")[0].split()[-1],) if text else ()
    return Case(name, FILE_IN, sink, transform=text, needs=("file", *plugin), **more)


CASES = (
    lane("file-file", FILE_IN, FILE_OUT, hot=True),
    lane("file-file-record", FILE_IN + RECORD, FILE_OUT + RECORD, input="records"),
    lane("std-std", "plugin = std\n", "plugin = std\n", hot=True),
    lane("file-kafka", FILE_IN, KAFKA_OUT, hot=True),
    lane("file-kafka-record", FILE_IN + RECORD, KAFKA_OUT, input="records"),
    lane("kafka-file", KAFKA_IN, FILE_OUT, hot=True),
    lane("kafka-file-record", KAFKA_IN, FILE_OUT + RECORD, input="records"),
    lane("kafka-file-partitions", KAFKA_IN, FILE_OUT, partitions=20),  # beside kafka-file: twenty cost what one does
    lane("kafka-elasticsearch", KAFKA_IN, BULK, hot=True),
    lane("kafka-elasticsearch-record", KAFKA_IN, BULK + "payload = record\n", input="records"),
    lane("kafka-elasticsearch-templates", KAFKA_IN, BULK.replace("web\n", "web-{{time:%Y.%m.%d}}\n") + "id = {{.n}}\n"),
    transform("filter", "plugin = filter\nwhen = .status >= 200\n"),
    transform("expressions", f"plugin = filter\nwhen = {WHEN}\n"),
    transform("case", "plugin = case\nto = upper\nfield = .method\n"),
    transform("jq", "plugin = jq\nfilter = .method |= ascii_upcase\n"),
    transform("lua", f"plugin = lua\ncode = {LUA}\n"),
    transform("case-whole", "plugin = case\nto = lower\n"),
    transform("cast", "plugin = cast\nas.status = string\nas.ms = float64\n"),
    transform("redact", "plugin = redact\npatterns = card, mail, ip, iban, token\n"),
    transform("redact-field", "plugin = redact\nfields = .client\nkeep-last = 3\n"),
    transform("fields", "plugin = fields\n" + "".join(EDITS)),
    transform("fields-one", "plugin = fields\n" + EDITS[0]),
    transform("fields-five", "".join(f"{n and f'[transform {n}]' or ''}\nplugin = fields\n{edit}" for n, edit in enumerate(EDITS)).lstrip()),
    transform("timestamp", "plugin = timestamp\nfield = .time\nfrom = rfc3339\nto = unix-ms\n"),
    transform("key", "plugin = key\nfield.n = {.n}\nfield.host = {.host}\n"),
    transform("key-part", "plugin = key\nfield.host = {.host}\n[transform up]\nplugin = case\npart = key\nto = upper\nfield = .host\n"),
    transform("header", "plugin = header\nset.host = {.host}\n"),
    transform("header-then-case", "plugin = header\nset.host = {.host}\n[transform then]\nplugin = case\nto = upper\nfield = .method\n"),
    transform("route", "plugin = route\ntopic = web-{.method}\n"),
    transform("route-regex", "plugin = route\nregex = .*/([^/]*)\nreplacement = $1\n"),
    transform("parse-json", "plugin = parse\nformat = json\nfield = .log\n", input="docker"),
    transform("parse-csv", "plugin = parse\nformat = csv\ncolumns = n,time,host,client,method,path,status,ms,note\n"
              "types.n = integer\ntypes.status = integer\ntypes.ms = integer\n", input="csv"),
    transform("parse-logfmt", "plugin = parse\nformat = logfmt\ntypes = auto\n", input="logfmt"),
    transform("parse-syslog", "plugin = parse\nformat = syslog\n", input="syslog"),
    transform("parse-access", "plugin = parse\nformat = access\n", input="access"),
    transform("parse-regex", f"plugin = parse\nformat = regex\npattern = {REGEX}\ntypes.status = integer\ntypes.bytes = integer\n", input="access"),
    transform("parse-grok", f"plugin = parse\nformat = grok\npattern = {GROK}\n", input="access"),
    transform("hoist", "plugin = hoist\nfield = payload\n"),
    transform("extract", "plugin = extract\nfield = .note\n"),
    transform("flatten", "plugin = flatten\n"),
    transform("validate", "plugin = validate\nschema = " + SCHEMA + "\n"),
    transform("sample", "plugin = sample\nkey = {.n}\nrate = 2\n"),
    transform("throttle", "plugin = throttle\nrate = 1000000000\n"),
    transform("dedupe", "plugin = dedupe\nkey = {.host}\nwithin = 1h\n"),  # keys that are known
    transform("dedupe-new", "plugin = dedupe\nkey = {.n}\nwithin = 1h\ncount = 1000\n"),
    transform("split", "plugin = split\nby = line\n"),
    transform("merge", "plugin = merge\ncount = 100\ntimeout = 30s\n"),
    transform("multiline", "plugin = multiline\njoin = space\ncontinue = .method != \"GET\"\n"),  # groups of one to four lines
    transform("multiline-alone", "plugin = multiline\nend = true\n"),
    transform("templates", "", "plugin = file\npath = {output}/{{.method}}-{{.status|none}}\n"),
)
