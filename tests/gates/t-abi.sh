#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-abi.sh - the promise of <weir/plugin.h>: at level N it says today what tests/abi/vN/weir/plugin.h said, and what was
# built for level N runs in this weir.  tests/abi/README.md has the whole picture.  At the end the header is changed in
# ways that break the promise, to see that each is found, and by what.
. "$(dirname "$0")/lib.sh"
have python3 || { lacking "there is no python3: the promise was not looked at" && skip "there is no python3"; finish; }
compiler=$CC
have "${compiler%% *}" || compiler=cc
export CC=$compiler
abi=$srcdir/tests/abi current=$srcdir/plugin-api
have abidiff || lacking "there is no abidiff (package abigail-tools): types were compared by text and layout alone"
cd "$tmp" || exit 1

header() { python3 "$abi/header.py" "$@"; } # DIR LEVEL WHAT

# prepare DIR LEVEL NAME: what the three comparisons look at, in NAME.*; the layout's program is that of the frozen header.
prepare() {
	header "$1" "$2" declared >"$3.declared" || return
	$CC -w -I"$1" -o "$3.program" "$4.twin.c" && "./$3.program" >"$3.layout" || return
	! have abidiff || { header "$1" "$2" reach >"$3.reach.c" && $CC -w -g -Og -shared -fPIC -I"$1" -o "$3.so" "$3.reach.c"; }
}

same_declared() { diff -u "$1.declared" "$2.declared"; }
same_layout() { diff -u "$1.layout" "$2.layout"; }
same_types() {
	! have abidiff || [ -z "$(abidiff --harmless "$1.so" "$2.so" 2>&1 | tee types.out)" ] || { cat types.out && return 1; }
}

# Today's header at each level that was frozen.
levels=0
for folder in "$abi"/v*/; do
	level=$(basename "$folder")
	level=${level#v}
	levels=$((levels + 1))
	header "$folder" "$level" c-twin >"v$level.twin.c" || bad "the frozen header of level $level can not be read"
	pass "the frozen header of level $level" prepare "$folder" "$level" "v$level" "v$level"
	pass "at level $level, plugin.h lacks what level $level had, or does not compile" prepare "$current" "$level" now "v$level"
	for what in declared layout types; do
		pass "at level $level, plugin.h has another $what than tests/abi/v$level" same_$what "v$level" now
	done
done
checks=$((checks + 1))
[ $levels -gt 0 ] || bad "no level was frozen"
checks=$((checks + 1))
! grep -vE '^(#.*)?$' "$abi/breaks" || bad "a promise was broken: tests/abi/breaks is not empty"

# ---- plugins of other headers in this weir ---------------------------------------------------------------------------
case $CHECK_FLAGS in *fsanitize*) flags=$CHECK_FLAGS ;; *) flags= ;; esac
mkdir plugin
build() { # DIR FLAG...: plugin/level.so
	local dir=$1
	shift
	$CC $flags -std=c11 -O1 -shared -fPIC -fvisibility=hidden "-I$dir" "$@" -o plugin/level.so "$abi/level.c"
}
printf '[source]\nplugin = std\n[transform t]\nplugin = level\nend = .\n[sink]\nplugin = std\n' >level.ini
runs() { # it is examined and held against the rules, loaded, and does its work
	"$WEIR" plugins check plugin/level.so >examined || return
	grep -q 'kept  *outcome' examined || { cat examined && return 1; }
	printf '{"a":1}\nno\n' | "$WEIR" --plugin-path plugin run --until-end --state-dir state level.ini >said 2>log || { cat log && return 1; }
	diff -u - said <<<$'json {"a":1}.\ntext no.'
}
refused() { # TEXT: by weir check, which says so
	"$WEIR" --plugin-path plugin check level.ini 2>&1 | grep -F "$1"
}

# What the next level would be: every struct that may grow has grown.
grown=$tmp/grown
mkdir -p "$grown/weir"
header "$current" 1 grown >"$grown/weir/plugin.h" || bad "there is no header of a next level"
checks=$((checks + 1))
[ "$(grep -c 'WEIR_API >= 2' "$grown/weir/plugin.h")" -gt 20 ] || bad "the header could not be made grow"

if [ -x "$WEIR" ] && [ -e "$WEIR_PLUGIN_PATH/std.so" ]; then
	for folder in "$abi"/v*/; do
		level=$(basename "$folder")
		pass "a plugin does not compile against the header of $level" build "$folder" -DWEIR_API="${level#v}" &&
			pass "a plugin of the header of $level does not run here" runs
		cp "$folder/level.so" plugin/level.so && chmod 644 plugin/level.so
		if [ "$(uname -m)-$(getconf GNU_LIBC_VERSION | cut -d ' ' -f 1)" = x86_64-glibc ]; then
			pass "the binary of $level, as it was frozen, does not run here" runs
		else
			notice "this is no x86-64 machine with glibc: the binary of $level was not tried"
		fi
	done
	pass "a plugin of a grown header at level 1" build "$grown" -DWEIR_API=1 && pass "it does not run here" runs
	pass "a plugin of level 2" build "$grown" -DWEIR_API=2 &&
		pass "it is not refused with both levels" refused 'it needs API level 2 and this weir has level 1'
	pass "a plugin of level 2 that can do with 1" build "$grown" -DWEIR_API=2 -DWEIR_API_MIN=1 && pass "it does not run here" runs
	pass "it does not know that the host is older" grep -q 'this host has nothing of level 2' log
else
	notice "weir and the plugin std were not built: no plugin was run"
fi

# ---- the gates themselves ----------------------------------------------------------------------------------------------
# finds WHAT EXPECTED SED...: of today's header, so changed, exactly the EXPECTED comparisons fail; "none": all agree.
finds() {
	local what=$1 expected=$2 found= kind
	shift 2
	checks=$((checks + 1))
	mkdir -p changed/weir
	sed "$@" "$base/weir/plugin.h" >changed/weir/plugin.h
	if cmp -s "$base/weir/plugin.h" changed/weir/plugin.h; then
		bad "$what: the header could not be changed like that"
	elif ! prepare changed 1 changed v1 >prepare.log 2>&1; then
		found=" missing"
	else
		for kind in declared layout types; do
			same_$kind v1 changed >difference || found+=" $kind"
		done
	fi
	have abidiff || expected=${expected/ types/}
	[ "${found:- none}" = " $expected" ] || bad "$what: found by${found:- none}, not by $expected"
}
base=$current
finds "a function inserted" "declared layout types" 's|^    void (\*wake)(|    void (*first)(void);\n&|'
finds "two functions of one type swapped" "declared layout types" \
	-e 's|^    void (\*buf_ref)(|    void (*buf_swap)(|' -e 's|^    void (\*buf_unref)(|    void (*buf_ref)(|' -e 's|(\*buf_swap)(|(*buf_unref)(|'
finds "a constant renumbered" "declared layout" 's|^#define WEIR_SPLIT .*(-4)|#define WEIR_SPLIT (-5)|'
finds "a value put into an enum" "declared layout" 's|^    WEIR_T_BOOL, |    WEIR_T_FIRST, WEIR_T_BOOL, |'
finds "a field appended without a guard" "declared layout types" '/^struct weir_record {/,/^};/s|^};|    uint64_t later;\n};|'
finds "another type of the same size" "declared types" 's|^    int32_t partition; /\* what|    uint32_t partition; /* what|'
finds "an argument more" "declared types" 's|^    int (\*flush)(void \*self);|    int (*flush)(void *self, uint32_t why);|'
finds "a field that is gone" "missing" '/^    uint32_t want;  *\/\* sources/d'
base=$grown
finds "what is appended as it should be" "none" 's|WEIR_API_LATEST 2u|WEIR_API_LATEST 2U|'
finish
