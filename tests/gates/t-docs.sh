#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-docs.sh - the documents are true: examples pass `weir check`, commands are run here or named with the test that runs
# them, links and paths lead somewhere, options exist, manual pages are clean.  docs.py looks; servers are not needed.
. "$(dirname "$0")/lib.sh"
[ -x "$WEIR" ] || skip "there is no $WEIR"
[ -e "$WEIR_PLUGIN_PATH/std.so" ] || skip "the plugin std was not built, which the examples are completed with"

silent_lint() { [ -z "$(mandoc -T lint -W warning "$1" | tee /dev/stderr)" ]; }

if have mandoc; then
	for page in "$srcdir/docs/weir.1" "$srcdir/docs/weir-dlq.1" "$srcdir/docs/weir-test.1" "$srcdir/docs/weir-plugin.7" plugins/man/*.[15]; do
		[ ! -e "$page" ] || pass "$page" silent_lint "$page"
	done
else
	notice "no mandoc: the manual pages were not looked at"
fi
if have python3; then
	checks=$((checks + 1))
	python3 "$srcdir/tests/gates/docs.py" "$srcdir" "$WEIR" "$WEIR_PLUGIN_PATH" || bad "see above"
else
	notice "no python3: the documents were not looked at"
	[ "$checks" -gt 0 ] || skip "there is neither mandoc nor python3"
fi
finish
