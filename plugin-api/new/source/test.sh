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

run() { # COUNT: with the state of the run before
	sed "s/^count.*/count = $1/" my-plugin.ini >counted.ini
	weir run --until-end --state-dir state counted.ini >out 2>log || fail "the sample does not run"
}

# It gives all there is; the next run gives what came since, and nothing twice.
run 3
printf 'record 0\nrecord 1\nrecord 2\n' | same out
run 5
printf 'record 3\nrecord 4\n' | same out
run 5
: | same out

# More than one batch, in order.
rm -r state
run 20000
seq 0 19999 | sed 's/^/record /' | same out

# What is out of range is refused before anything runs.
sed 's/^count.*/count = 0/' my-plugin.ini >wrong.ini
weir check wrong.ini >log 2>&1 && fail "count = 0 is taken"
grep -q 'count' log || fail "count = 0 is refused for another reason"
echo "my-plugin: all tests passed"
