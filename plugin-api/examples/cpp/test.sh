#!/bin/sh
# test.sh FOLDER - tries FOLDER/csv.so as its users will: weir examines it, then it runs in pipelines.
# Environment: WEIR, another weir than that of PATH.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
umask 022 # weir loads no code that others than its owner can write
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$1/csv.so" "$here/csv.ini" "$work"
cd "$work"

weir() { command "${WEIR:-weir}" --plugin-path "$work" "$@"; }
fail() {
	echo "FAILED: $*" >&2
	cat log >&2
	exit 1
}
# same FILE: standard input is what must be in it.
same() { diff -u - "$1" >&2 || fail "$1 is not what it should be"; }
run() { weir run --until-end --state-dir state "$1" 2>log; }

# Examined, loaded, and held against the rules of the contract while it writes.
weir plugins check ./csv.so --set path="$work/check.csv" --set columns=id >log 2>&1 || fail "it breaks a rule"

# The sample, twice: the names of the columns stand at the beginning alone.
echo '{"id":1,"user":{"name":"Ann"},"more":[1,2]}' | run csv.ini || fail "the sample does not run"
printf '%s\n' '{"user":{"name":"O, \"B\"\nob"},"id":2}' '{"id":3.50}' '{"id":null,"user":7}' | run csv.ini ||
	fail "the sample does not run again"
same users.csv <<'CSV'
id,user.name
1,Ann
2,"O, ""B""
ob"
3.50,
,
CSV

# What is no JSON goes to the dead letters, and those around it are delivered.
cat >dead.ini <<'I'
[source]
plugin = std
[sink]
plugin  = csv
path    = dead.csv
columns = id
header  = no
[dead-letter]
plugin = std
format = record
I
printf '%s\n' '{"id":1}' 'no JSON' '{"id":2' '{"id":3}' | run dead.ini >letters || fail "what is no JSON stops it"
printf '1\n3\n' | same dead.csv
[ "$(grep -c 'its value is no JSON' letters)" = 2 ] || fail "the dead letters do not say why"

# A file that can not be written: a sentence, and nothing is lost.
sed 's,users.csv,/dev/full,' csv.ini >full.ini
echo '{"id":1}' | weir run --until-end --state-dir state full.ini >log 2>&1 && fail "a full disk is no failure"
grep -q '/dev/full: No space left' log || fail "a full disk is not named"

# What is no option is refused before anything runs.
sed 's/^columns/colums/' csv.ini >wrong.ini
weir check wrong.ini >log 2>&1 && fail "an unknown option is taken"
grep -q 'did you mean "columns"' log || fail "an unknown option is refused for another reason"
echo "csv: all tests passed"
