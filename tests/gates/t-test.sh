#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-test.sh - weir test as a whole: tests that pass, each kind of failure once with what is said of it, and that
# nothing is written and nobody is asked outside.
. "$(dirname "$0")/lib.sh"
[ -x "$WEIR" ] || skip "there is no $WEIR"
for plugin in std file filter; do
	[ -e "$WEIR_PLUGIN_PATH/$plugin.so" ] || skip "the plugin $plugin was not built"
done
mkdir "$tmp/conf" "$tmp/tmp"
export TMPDIR=$tmp/tmp http_proxy=http://127.0.0.1:9 # a proxy that nobody is to ask
cd "$tmp/conf" || exit 1

# run STATUS ARGUMENT...: weir test ends with it; what it says is in $tmp/said.
run() {
	local want=$1 got
	shift
	checks=$((checks + 1))
	"$WEIR" test "$@" >"$tmp/said" 2>&1
	got=$?
	[ $got = "$want" ] && [ -z "$(ls -A "$TMPDIR")" ] && return
	bad "weir test $* ends with $got, not $want, and leaves: $(ls -A "$TMPDIR")"
	cat "$tmp/said"
}
# said: standard input is what was said, to the letter.
said() {
	checks=$((checks + 1))
	diff -u - "$tmp/said" || bad "other words than these were said"
}
has() { # TEXT
	checks=$((checks + 1))
	grep -qF -- "$1" "$tmp/said" || { bad "\"$1\" is not said:" && cat "$tmp/said"; }
}

cat >web.ini <<'I'
[source]
plugin = file
path   = /var/log/web.ndjson
[transform errors]
plugin = filter
when   = .status >= 500
[sink]
plugin = file
path   = /var/lib/nowhere/../web/{.host|none}.ndjson
compress = gzip
[dead-letter]
plugin = file
path   = /var/lib/nowhere/dead.ndjson
format = record
I
cat >web.test.ini <<'I'
[test only errors are kept]
input  = {"status":200,"path":"/"}
input  = {"status":500,"path":"/cart"}
expect = {"path":"/cart", "status":500}
with   = {"path":"/var/lib/nowhere/up/web/none.ndjson"}

[test what is no JSON is a dead letter]
input       = GET / 200
input       = {"status":503,"host":"a"}
expect      = {"status":503,"host":"a"}
expect-dead = GET / 200
because     = not JSON
with        = {"section":"transform errors","topic":"/var/log/web.ndjson"}
I
run 0 web.test.ini
said <<'S'
ok      web: only errors are kept
ok      web: what is no JSON is a dead letter
2 tests: 2 ok, 0 failed
S

# Each kind of failure.
cat >bad.test.ini <<'I'
[tests]
pipeline = web.ini
[test a field is another]
input  = {"status":500,"path":"/cart","n":1.0}
expect = {"status":500,"path":"/Cart","n":1}
[test one is missing]
input  = {"status":200}
expect = {"status":200}
[test one too many]
input  = {"status":500}
[test a dead letter too many]
input  = oh
[test another reason]
input       = oh
expect-dead = oh
because     = too late
[test another place]
input  = {"status":500}
expect = {"status":500}
with   = {"path":"elsewhere"}
[test it does not fail]
input  = {"status":500}
expect = {"status":500}
fails  = everything
I
run 1 bad.test.ini
said <<'S'
FAILED  bad: a field is another
    sink: record 1 is not as expected (line 5)
      .path is "/cart", not "/Cart"
      .n is 1.0, not 1
      - {"status":500,"path":"/Cart","n":1}
      + {"status":500,"path":"/cart","n":1.0}
FAILED  bad: one is missing
    sink: record 1 is missing (line 8)
      - {"status":200}
FAILED  bad: one too many
    sink: record 1 is not expected
      + {"status":500}
FAILED  bad: a dead letter too many
    dead letters: record 1 is not expected
      + oh
      [transform errors] when: the expression fails at column 1: the record's value is not JSON: this can not start a value
FAILED  bad: another reason
    dead letters: record 1 is not as expected (line 15)
      the reason does not hold "too late": [transform errors] when: the expression fails at column 1: the record's value is not JSON: this can not start a value
      - oh
      + oh
FAILED  bad: another place
    sink: record 1 is not as expected (line 19)
      .path is "/var/lib/nowhere/up/web/none.ndjson", not "elsewhere"
      - {"status":500}
      + {"status":500}
FAILED  bad: it does not fail
    the pipeline did not fail, though "everything" is expected
7 tests: 0 ok, 7 failed
S

# A pipeline that fails, as it shall and as it shall not.
sed '/dead-letter/,$d' web.ini >stops.ini
cat >stops.test.ini <<'I'
[test without dead letters it stops]
input = oh
fails = not JSON
[test not for that]
input = oh
fails = lunch
[test not at all]
input = oh
I
run 1 stops.test.ini
has "ok      stops: without dead letters it stops"
has 'the pipeline failed for another reason than "lunch": '
has "the pipeline failed: "
has "log of the pipeline:"

# Several sinks, standard output, the environment, a file that is not there, sinks that are not looked at.
cat >fan.ini <<'I'
[pipeline]
fan-out = independent
[source]
plugin = file
path   = ${env:FROM}
[sink out]
plugin = std
format = record
[sink all]
plugin = file
path   = ${file:/nowhere/place}/all
[sink again]
plugin = std
I
cat >fan.test.ini <<'I'
[tests]
env.FROM = /in
file     = /nowhere/place ../../up
[test both get all]
input      = one
with       = {"key":"k"}
input      = two
expect.out = {"topic":"/in","partition":null,"offset":0,"timestamp":null,"key":"k","value":"one","headers":[]}
expect.out = {"topic":"/in","partition":null,"offset":1,"timestamp":null,"key":null,"value":"two","headers":[]}
expect.all = one
expect.all = two
expect.again = one
expect.again = two
[test one of them]
env.FROM   = /other
input      = one
ignore     = all
ignore     = again
expect.out = {"topic":"/other","partition":null,"offset":0,"timestamp":null,"key":null,"value":"one","headers":[]}
[test of two lanes in any order]
input      = one
input      = two
with       = {"topic":"/other"}
expect.all = two
expect.all = one
ignore     = out
ignore     = again
[test no such sink]
input      = one
expect.al  = one
[test which sink]
input      = one
expect     = one
[test no dead letters]
input       = one
expect-dead = one
[test no faults of files]
input       = one
fault.all   = 5 at request 1
I
run 2 fan.test.ini
said <<'S'
ok      fan: both get all
ok      fan: one of them
ok      fan: of two lanes in any order
FAILED  fan: no such sink
    fan.test.ini:30: [test no such sink] fan.ini has no sink "al"
FAILED  fan: which sink
    fan.test.ini:33: [test which sink] fan.ini has several sinks; say which: expect.out
FAILED  fan: no dead letters
    fan.test.ini:36: [test no dead letters] fan.ini has no [dead-letter], so there are no dead letters
FAILED  fan: no faults of files
    fan.test.ini:39: [test no faults of files] a file sink writes for real, so its faults can not be made up
7 tests: 3 ok, 0 failed, 4 could not be run
S

# Mistakes: of the test file, of the pipeline, of the command line.
printf '[test a]\ninput = x\nexcept = y\n' >wrong.test.ini
run 2 wrong.test.ini
has 'wrong.test.ini:3: [test a] unknown option "except"; did you mean "expect"?'
printf '[source]\nplugin = file\npaht = /x\n[sink]\nplugin = std\n' >typo.ini
printf '[test a]\ninput = x\n' >typo.test.ini
run 2 typo.test.ini
has 'typo.ini:3: [source] unknown option "paht"; did you mean "path"?'
run 2
has "name a FILE or a DIR"
run 2 nowhere.test.ini
run 2 --all web.test.ini

# A folder: its tests for weir test, its pipelines for everybody else.
mkdir some && cp web.ini web.test.ini stops.ini some && cp web.test.ini some/.hidden.test.ini
run 0 some
has "2 tests: 2 ok, 0 failed"
pass "weir check takes tests for pipelines" "$WEIR" check some
rm some/*.test.ini
run 2 some
has "there is no file *.test.ini in this folder"

# A plugin that crashes, and one whose test does not end by itself: the others go on.
if have "$CC"; then
	case $CHECK_FLAGS in *fsanitize*) flags=$CHECK_FLAGS ;; *) flags= ;; esac
	mkdir "$tmp/plugins"
	cat >crash.c <<'C'
#define WEIR_API 1
#include <weir/helpers.h>
#include <signal.h>
static int process(void *self, const struct weir_batch *b, struct weir_emitter *e)
{
    (void)self, (void)b, (void)e;
    return raise(SIGKILL);
}
static int create(struct weir_ctx *c, const void *conf, void **self)
{
    (void)c, (void)conf, *self = (void *)1;
    return WEIR_OK;
}
static void destroy(void *self) { (void)self; }
static const struct weir_ops transform = {.struct_size = sizeof transform, .kind = WEIR_TRANSFORM,
    .create = create, .process = process, .destroy = destroy};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "crash", "1", "ends it all", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
C
	if pass "crash.c does not compile" "$CC" $flags -shared -fPIC -I"$srcdir/plugin-api" -o "$tmp/plugins/crash.so" crash.c; then
		printf '[source]\nplugin = std\n[transform c]\nplugin = crash\n[sink]\nplugin = std\n' >crash.ini
		printf '[test a]\ninput = x\n[test b]\npipeline = web.ini\ninput = {"status":1}\n' >crash.test.ini
		run 1 --plugin-path "$tmp/plugins" crash.test.ini
		has "it crashed: Killed"
		has "ok      crash: b"
	fi
fi

# A transform that asks for time again and again never ends by itself; a signal ends the command, and leaves nothing.
if [ -e "$tmp/plugins/crash.so" ] && sed 's/return raise(SIGKILL);/return WEIR_RETRY;/; s/"crash"/"stuck"/' crash.c >stuck.c &&
	pass "stuck.c does not compile" "$CC" $flags -shared -fPIC -I"$srcdir/plugin-api" -o "$tmp/plugins/stuck.so" stuck.c; then
	sed s/crash/stuck/ crash.ini >stuck.ini
	printf '[test a]\ninput = x\n' >stuck.test.ini
	checks=$((checks + 1))
	timeout -s TERM 1 "$WEIR" test --plugin-path "$tmp/plugins" stuck.test.ini >"$tmp/said" 2>&1
	[ $? = 124 ] && [ -z "$(ls -A "$TMPDIR")" ] || bad "SIGTERM leaves: $(ls -A "$TMPDIR"), said: $(cat "$tmp/said")"
fi

# What came from ${...} is not shown, unless the test itself said it.
printf '[source]\nplugin = std\n[sink]\nplugin = file\npath = /a/${env:PLACE}/b\n' >hush.ini
printf '[test a]\ninput = x\nexpect = x\nwith = {"path":"c"}\n[test b]\nenv.PLACE = open\ninput = x\nexpect = x\nwith = {"path":"c"}\n' >hush.test.ini
PLACE=hidden-place run 1 hush.test.ini
has '.path is "***", not "c"'
has '.path is "/a/open/b", not "c"'

# A sink whose plugin comes by ${...} writes into the folder too.
printf '[source]\nplugin = std\n[sink]\nplugin = ${env:SINK}\npath = %s/elsewhere\n' "$tmp" >named.ini
printf '[test a]\nenv.SINK = file\ninput = x\nexpect = x\nwith = {"path":"%s/elsewhere"}\n' "$tmp" >named.test.ini
run 0 named.test.ini
checks=$((checks + 1))
[ ! -e "$tmp/elsewhere" ] || bad "the test wrote to $tmp/elsewhere"

# Elasticsearch, for real up to the socket.
if [ -e "$WEIR_PLUGIN_PATH/elasticsearch.so" ]; then
	cat >es.ini <<'I'
[source]
plugin = file
path   = /in
[sink es]
plugin   = elasticsearch
url      = https://es1:9200, https://es2:9200
ca-file  = /nowhere/ca.pem
username = weir
password = ${file:/nowhere/password}
compress = gzip
index    = web-{time:%Y.%m.%d}
id       = {.id}
[dead-letter]
plugin = file
path   = /nowhere/dead
I
	cat >es.test.ini <<'I'
[tests]
file = /nowhere/password secret
[test one index a day]
input  = {"id":"a"}
with   = {"timestamp":"2026-01-31T23:59:59.999Z"}
input  = {"id":"b"}
with   = {"timestamp":"2026-02-01T00:00:00Z"}
expect = {"id":"a"}
with   = {"op":"index","_index":"web-2026.01.31","_id":"a"}
expect = {"id":"b"}
with   = {"_index":"web-2026.02.01","_id":"b"}
[test an overloaded cluster is given time]
input    = {"id":"a"}
with     = {"timestamp":0}
input    = {"id":"b"}
with     = {"timestamp":0}
fault.es = 429 at requests 1-3
fault.es = 401 at request 4
fault.es = cut at request 5
fault.es = 503 unavailable_shards_exception at record 2
expect   = {"id":"a"}
expect   = {"id":"b"}
[test too large together]
input    = {"id":"a"}
with     = {"timestamp":0}
input    = {"id":"b"}
with     = {"timestamp":0}
fault    = 413 at requests 1-2
expect   = {"id":"b"}
expect-dead = {"id":"a"}
because  = a fault of the test
[test what does not fit is a dead letter]
input       = {"id":"a"}
with        = {"timestamp":0}
input       = {"id":"b"}
with        = {"timestamp":0}
input       = {"id":"c"}
fault       = 400 mapper_parsing_exception at record 2
expect      = {"id":"a"}
expect-dead = {"id":"b"}
because     = mapper_parsing_exception
with        = {"code":400,"section":"sink es"}
expect-dead = {"id":"c"}
because     = the record has no time
I
	start=$SECONDS
	run 0 es.test.ini
	checks=$((checks + 1)) # back-offs of minutes: 401 alone waits for 30 s
	[ $((SECONDS - start)) -lt 30 ] || bad "the tests of es.ini took $((SECONDS - start)) s of real time"
	printf '[tests]\nfile = /nowhere/password x\n[test a]\ninput = {}\nfault = 200 at record 1\n[test b]\ninput = {}\nfault = oops at record 1\n' >es.test.ini
	run 2 es.test.ini
	has "es.test.ini:5: [test a] that is no error of elasticsearch"
	has "es.test.ini:8: [test b] Elasticsearch answers with a status: 400 oops at ..."
fi

# Kafka, at the boundary.
if [ -e "$WEIR_PLUGIN_PATH/kafka.so" ]; then
	cat >k.ini <<'I'
[source]
plugin  = kafka
brokers = kafka1:9092
topics  = in
group   = g
[sink]
plugin  = kafka
brokers = kafka1:9092
topic   = out-{.kind}
key     = {.id}
delivery = exactly-once
[dead-letter]
plugin  = kafka
brokers = kafka1:9092
topic   = dead
I
	sed -e '/^topic /s/=.*/= out/' -e '/^key/d' k.ini >k2.ini
	cat >k.test.ini <<'I'
[test errors mean what they mean]
clock = 2026-01-01T00:00:00Z
input = {"id":"a","kind":"x"}
input = {"id":"b","kind":"y"}
input = {"id":"c"}
with  = {"timestamp":1,"headers":[["h","v"]]}
fault = NOT_LEADER_FOR_PARTITION at requests 1-3
fault = INVALID_RECORD at record 1
expect = {"id":"b","kind":"y"}
with   = {"topic":"out-y","key":"b","offset":1,"timestamp":"2026-01-01T00:00:00Z"}
expect-dead = {"id":"a","kind":"x"}
because     = INVALID_RECORD
expect-dead = {"id":"c"}
because     = .kind
with        = {"headers":[["h","v"]],"timestamp":1,"topic":"in","partition":0,"offset":2}
[test values that a line can not hold]
pipeline = k2.ini
input  =
with   = {"value":null}
input  =
with   = {"value":"one\ntwo"}
input  =
with   = {"value":{"base64":"/w=="}}
input  =
expect =
with   = {"value":null}
expect =
with   = {"value":"one\ntwo"}
expect =
with   = {"value":{"base64":"/w=="},"offset":2}
expect =
with   = {"value":""}
I
	run 0 k.test.ini
fi

# Nothing was made where the pipelines say.
for file in /var/lib/nowhere /nowhere up some/state; do
	checks=$((checks + 1))
	[ ! -e "$file" ] || bad "weir test made $file"
done
finish
