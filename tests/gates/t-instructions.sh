#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-instructions.sh - what a record costs by count: instructions against tests/cost/table.txt, allocations, waits.  See tests/cost/README.md.
. "$(dirname "$0")/lib.sh"
[ -z "$CHECK_FLAGS" ] || skip "this build is a checked one: the table is of the build that is shipped"
[ -x "$WEIR" ] || skip "there is no $WEIR"
for tool in python3 valgrind; do
	have $tool || skip "there is no $tool"
done
export WEIR CC PYTHONDONTWRITEBYTECODE=1
run=$srcdir/tests/cost/run.py table=$srcdir/tests/cost/table.txt

python3 "$run" >"$tmp/found" 2>&1
status=$?
[ $status != 77 ] || skip "$(cat "$tmp/found")"
cat "$tmp/found"
checks=$((checks + $(grep -c '^[a-z]' "$tmp/found")))
[ $status = 0 ] || bad "what a record costs"

# The comparison itself: what is 4 % above the table is worse, and is said to be.
if [ -e "$WEIR_PLUGIN_PATH/file.so" ]; then
	awk '$1 == "file-file" { $2 = int($2 / 1.04) } { print }' "$table" >"$tmp/table"
	refuse "4 % above the table is no failure" python3 "$run" --table "$tmp/table" file-file
	mv "$tmp/out" "$tmp/said"
	pass "what is worse is not named" grep -q '^WORSE: file-file: .* instructions' "$tmp/said"
fi
finish
