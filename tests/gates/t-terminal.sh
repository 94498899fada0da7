#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-terminal.sh - weir run on a terminal keeps a live line, clears it, and never draws over records; in a pipe it has none.
. "$(dirname "$0")/lib.sh"
[ -x "$WEIR" ] || skip "there is no $WEIR"
for plugin in file std; do
	[ -e "$WEIR_PLUGIN_PATH/$plugin.so" ] || skip "the plugin $plugin was not built"
done
have python3 || skip "there is no python3"
pass "the terminal" python3 "$srcdir/tests/gates/terminal.py" "$WEIR"
finish
