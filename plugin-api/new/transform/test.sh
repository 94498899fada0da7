#!/bin/sh
# test.sh FOLDER - tries FOLDER/my-plugin.so as its users will: weir examines it, then it runs in pipelines.
# Environment: WEIR, another weir than that of PATH.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
umask 022 # weir loads no code that others than its owner can write
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$1/my-plugin.so" "$here/my-plugin.ini" "$here/my-plugin.test.ini" "$work"
cd "$work"

weir() { command "${WEIR:-weir}" --plugin-path "$work" "$@"; }
fail() {
	echo "FAILED: $*" >&2
	cat log >&2
	exit 1
}

weir plugins check ./my-plugin.so >log 2>&1 || fail "it is no plugin that weir takes"

# The sample: records that my-plugin.test.ini gives it come out as it says.
weir test my-plugin.test.ini >log 2>&1 || fail "the sample does something else than its test says"

# A record without a value stays without; an empty one is not the same.
cat >record.ini <<'I'
[source]
plugin = std
format = record
[transform t]
plugin = my-plugin
text   = >
[sink]
plugin = std
format = record
I
printf '%s\n' '{"key":"k","value":null}' '{"value":""}' |
	weir run --until-end --state-dir state record.ini >out 2>log || fail "a tombstone stops it"
grep -q '"key":"k","value":null' out || fail "a tombstone got a value"
grep -q '"value":">"' out || fail "an empty value was left as it is"

# What is no option is refused before anything runs.
sed 's/^text/txet/' my-plugin.ini >wrong.ini
weir check wrong.ini >log 2>&1 && fail "an unknown option is taken"
grep -q 'did you mean "text"' log || fail "an unknown option is refused for another reason"
echo "my-plugin: all tests passed"
