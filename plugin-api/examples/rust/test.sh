#!/bin/sh
# test.sh FOLDER - tries FOLDER/lookup.so as its users will: weir examines it, then it runs in pipelines.
# Environment: WEIR, another weir than that of PATH.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
umask 022 # weir loads no code that others than its owner can write
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$1/lookup.so" "$here/lookup.ini" "$work"
cd "$work"

weir() { command "${WEIR:-weir}" --plugin-path "$work" "$@"; }
fail() {
	echo "FAILED: $*" >&2
	cat log >&2
	exit 1
}
# same FILE: standard input is what must be in it.
same() { diff -u - "$1" >&2 || fail "$1 is not what it should be"; }
run() { weir run --until-end --state-dir state "$1" >out 2>log; }

# Examined, loaded, and held against the rules of the contract while it works.
printf '7\tAnn "the" Smith\nx-8\tÖzge\n9\t\n' >customers.tsv
weir plugins check ./lookup.so --set table="$work/customers.tsv" --set key=.a --set into=.b >log 2>&1 || fail "it breaks a rule"

# The sample: a number and a string are keys, and what is not in the table goes on as it is.
printf '%s\n' '{"customer":7}' '{"customer":"x-8","name":"?"}' '{"customer":[7]}' '{}' '{"customer":9}' | run lookup.ini ||
	fail "the sample does not run"
same out <<'JSON'
{"customer":7,"name":"Ann \"the\" Smith"}
{"customer":"x-8","name":"Özge"}
{"customer":[7]}
{}
{"customer":9,"name":""}
JSON

# What is no JSON goes to the dead letters, and so does what is not in the table when it is to be rejected.
{
	sed 's/^table.*/&\nmissing = reject/' lookup.ini
	printf '[dead-letter]\nplugin = file\npath = letters\nformat = record\n'
} >reject.ini
printf '%s\n' '{"customer":7}' 'no JSON' '{"customer":"7"}' '{"customer":8}' | run reject.ini || fail "a reject stops it"
[ "$(wc -l <out)" = 2 ] || fail "what is in the table did not go on"
[ "$(grep -c 'its key is not in the table' letters)" = 1 ] || fail "the dead letters do not say what is not in the table"
[ "$(wc -l <letters)" = 2 ] || fail "what is no JSON is no dead letter"

# Or is dropped.
sed 's/^table.*/&\nmissing = drop/' lookup.ini >drop.ini
printf '%s\n' '{"customer":8}' '{"customer":7}' | run drop.ini || fail "a drop stops it"
[ "$(wc -l <out)" = 1 ] || fail "what is not in the table was not dropped"

# A table that is none.
printf '7 Ann\n' >customers.tsv
echo '{}' | run lookup.ini && fail "a table without tabs is taken"
grep -q 'customers.tsv:1: there is no tab' log || fail "a table without tabs is refused for another reason"
echo "lookup: all tests passed"
