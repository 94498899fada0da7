#!/bin/sh
# test.sh FOLDER - tries FOLDER/my-plugin.so as its users will: weir examines it, then it runs in pipelines.
# Environment: WEIR, another weir than that of PATH.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
umask 022 # weir loads no code that others than its owner can write
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$1/my-plugin.so" "$here/my-plugin.ini" "$work"
cd "$work"

weir() { command "${WEIR:-weir}" --plugin-path "$work" "$@"; }
fail() {
	echo "FAILED: $*" >&2
	cat log >&2
	exit 1
}
# same FILE: standard input is what must be in it.
same() { diff -u - "$1" >&2 || fail "$1 is not what it should be"; }

weir plugins check ./my-plugin.so >log 2>&1 || fail "it is no plugin that weir takes"

# The sample: each line of the input is a line of the file.
printf 'one\ntwo\n' | weir run --until-end --state-dir state my-plugin.ini >log 2>&1 || fail "the sample does not run"
printf 'one\ntwo\n' | same my-plugin.out

# What is no line goes to the dead letters, and those around it are delivered.
cat >dead.ini <<'I'
[source]
plugin = std
format = record
[sink]
plugin = my-plugin
path   = dead.out
[dead-letter]
plugin = std
format = record
I
printf '%s\n' '{"value":"a"}' '{"value":null}' '{"value":"1\n2"}' '{"value":"b"}' |
	weir run --until-end --state-dir state dead.ini >letters 2>log || fail "what is no line stops it"
printf 'a\nb\n' | same dead.out
[ "$(grep -c 'it is no line' letters)" = 2 ] || fail "the dead letters do not say why"

# What is no option is refused before anything runs.
printf '[source]\nplugin = std\n[sink]\nplugin = my-plugin\npaht = x\n' >wrong.ini
weir check wrong.ini >log 2>&1 && fail "an unknown option is taken"
grep -q 'did you mean "path"' log || fail "an unknown option is refused for another reason"
echo "my-plugin: all tests passed"
