#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `when` means what jq 1.6 says: tests/unit/expr-driver against the jq of this machine, a corpus and random expressions.
for tool in jq python3; do
    command -v "$tool" > /dev/null || { echo "skipped: there is no $tool"; exit 77; }
done
[ "$(jq --version)" = jq-1.6 ] || { echo "skipped: $(jq --version) is not jq-1.6"; exit 77; }
here=${srcdir:-.}/tests
driver=${WEIR%/weir}/tests/unit/expr-driver
[ -x "$driver" ] || { echo "$driver was not built"; exit 1; }
exec python3 "$here/gates/expr-jq.py" "$driver" "$here/unit/expr-corpus.txt"
