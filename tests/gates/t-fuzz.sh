#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-fuzz.sh - the fuzz targets: the whole corpus is replayed, then each gets a second of its own.  For longer: tests/fuzz/README.md.
. "$(dirname "$0")/lib.sh"

case $CHECK_FLAGS in *fsanitize*) skip "the targets have sanitizers of their own: the plain build runs them" ;; esac
have clang || skip "there is no clang (packages clang and libclang-rt-14-dev)"
work=$PWD/tests/fuzz-work # of the build: only what changed is compiled again
"$srcdir/tests/fuzz/run" -s "${1:-1}" -w "$work" >"$tmp/out" 2>&1
status=$?
[ $status != 77 ] || skip "$(cat "$tmp/out")"
checks=$(grep -c ' good: ' "$tmp/out")
[ $status = 0 ] || bad "$(cat "$tmp/out")"
grep ' good: ' "$tmp/out"
finish
