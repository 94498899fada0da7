#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-new.sh - `weir new`, as somebody meets it who has installed weir and no more: each kind builds without a warning, by
# make and by meson, with gcc and with clang, passes its test, which runs it in a pipeline, and describes itself; what
# can not be made is refused, and nothing is written over. Then docs/plugin-guide.md, command by command.
. "$(dirname "$0")/lib.sh"
[ -f Makefile ] || skip "this is no build folder: there is no Makefile"
[ -e "$WEIR_PLUGIN_PATH/std.so" ] || skip "the plugin std was not built, which the samples use"
have pkg-config || skip "there is no pkg-config"
unset WEIR_PLUGIN_PATH MAKEFLAGS MFLAGS MAKELEVEL
unset CFLAGS CPPFLAGS LDFLAGS
export LC_ALL=C
OWN_MAX=40 # lines of the functions of a new sink

stage() { # what an administrator installs, in a folder of our own
	pass "make install" make -s install DESTDIR="$tmp/root" || finish
	WEIR=$(find "$tmp/root" -path '*/bin/weir')
	WEIR_PLUGIN_PATH=$(dirname "$(find "$tmp/root" -path '*/weir/plugins/std.so')")
	local pc
	pc=$(find "$tmp/root" -name weir-plugin.pc)
	sed -E -i "s,^(prefix|libdir|includedir)=/,\\1=$tmp/root/," "$pc"
	PKG_CONFIG_PATH=$(dirname "$pc")
	export WEIR WEIR_PLUGIN_PATH PKG_CONFIG_PATH
}

quiet() { # COMMAND...: it succeeds, and warns of nothing
	"$@" >"$tmp/quiet" 2>&1 || { cat "$tmp/quiet" && return 1; }
	! grep -i 'warning' "$tmp/quiet"
}

# A sanitizer is in the program already; only gcc has its own as a library that a plugin can name.
sanitizer() { # COMPILER
	case $1:$CC:$CHECK_FLAGS in gcc:gcc*:*fsanitize*) echo "$CHECK_FLAGS" ;; esac
}

by_make() { # KIND NAME COMPILER
	pass "$1 by make, $3" quiet make -C "$2" CC="$3" CFLAGS="-O2 -g -Werror -Wpedantic $(sanitizer "$3")" || return
	pass "the $1 does not pass its test (make, $3)" make -C "$2" CC="$3" check
	pass "make left no $2.so" test -s "$2/$2.so"
}

by_meson() { # KIND NAME COMPILER
	pass "$1 by meson, $3" quiet env CC="$3" meson setup --werror "$2/build-$3" "$2" || return
	pass "$1 by meson, $3" quiet meson compile -C "$2/build-$3" || return
	pass "the $1 does not pass its test (meson, $3)" meson test --no-rebuild --print-errorlogs -C "$2/build-$3"
}

silent_lint() { [ -z "$(mandoc -T lint -W warning "$1" | tee /dev/stderr)" ]; }
is_json() { python3 -m json.tool "$1"; }

# Its options are described like those of any plugin; the sample is one to start from.
describes() { # KIND NAME
	local way
	pass "weir plugins $2" "$WEIR" --plugin-path "$2" plugins "$2"
	cp "$tmp/out" "$2.help"
	pass "weir plugins $2 does not say what it is" grep -q "^Options of a $1" "$2.help"
	for way in man schema sample; do
		pass "weir plugins $2 --$way" "$WEIR" --plugin-path "$2" plugins "$2" "--$way" && cp "$tmp/out" "$2.$way"
	done
	have mandoc && pass "the manual of a new $1" silent_lint "$2.man"
	have python3 && pass "the schema of a new $1 is not JSON" is_json "$2.schema"
	pass "weir check of the sample of a new $1" "$WEIR" --plugin-path "$2" check "$2/$2.ini"
}

installs() { # NAME
	pass "make install of $1" make -C "$1" install DESTDIR="$tmp/package"
	pass "$1 was not installed where weir looks" test "$(find "$tmp/package" -path "*/weir/plugins/$1.so" -perm 644)"
}

# Lines of the functions, without comments, empty lines and braces that stand alone.
own_lines() {
	sed -e 's,/\*.*\*/,,' "$1" | sed '/\/\*/,/\*\//d' |
		awk '/^static .*\)$/ { f = 1 } f && !/^[ \t]*[{}]?[ \t]*$/ { n++ } /^}/ { f = 0 } END { print n + 0 }'
}

stage
cd "$tmp" || exit 1
meson=yes
{ have meson && have ninja; } || meson=no
for kind in source transform sink; do
	name=my-$kind
	pass "weir new $kind" "$WEIR" new $kind $name || continue
	cp "$tmp/out" said
	pass "weir new $kind does not say what to do next" grep -q 'make check' said
	tested=
	[ $kind != transform ] || tested=$name.test.ini
	pass "files of a new $kind" diff <(printf '%s\n' Makefile meson.build $name.c $name.ini $tested test.sh) <(ls $name)
	refuse "a new $kind holds the name it was made from" grep -r 'my-plugin' $name
	for compiler in gcc clang; do
		have $compiler || continue
		by_make $kind $name $compiler
		[ $meson = no ] || by_meson $kind $name $compiler
		[ $compiler = clang ] || { describes $kind $name && installs $name; }
		make -s -C $name clean
	done
done
[ $meson = yes ] || notice "no meson or no ninja: the meson.build was not tried"
have clang || notice "no clang: it was not tried"

checks=$((checks + 1))
lines=$(own_lines my-sink/my-sink.c)
{ [ "$lines" -gt 10 ] && [ "$lines" -le $OWN_MAX ]; } || bad "the functions of a new sink have $lines lines; at most $OWN_MAX"

# refused STATUS TEXT ARGUMENT...
refused() {
	local want=$1 text=$2 status
	shift 2
	checks=$((checks + 1))
	"$WEIR" new "$@" >out 2>err
	status=$?
	[ $status = "$want" ] || bad "weir new $* exits with $status, not $want"
	grep -qF "$text" err || bad "weir new $* does not say \"$text\" but: $(cat err)"
	[ ! -s out ] || bad "weir new $* prints something"
}
sum() { find my-sink -type f -exec md5sum {} + | sort; }
left() { ls -A | grep -vE '^(out|err|said|before|after|kept|now)$'; }
left >before && sum >kept
refused 2 'give a kind and a NAME'
refused 2 'give a kind and a NAME' sink
refused 2 'give a kind and a NAME' sink a b
refused 2 '"sinc" is no kind of plugin; give source, transform or sink' sinc other
refused 2 'the plugin can not be called "Other": a name has 1 to 32 of a-z, 0-9 and -, a letter first' sink Other
for name in '' 9lives -- a/b .. my_sink 'a b' abcdefghijklmnopqrstuvwxyz0123456; do
	refused 2 'can not be called' -- sink "$name"
done
for name in check test install all meson-x; do
	refused 2 "the plugin can not be called \"$name\": m" sink $name
done
refused 2 'the plugin can not be called "std": there is a plugin of that name' source std
refused 2 'my-sink is there already' sink my-sink
echo text >a-file
refused 2 'a-file is there already' sink a-file
rm a-file
left >after && sum >now
pass "something was left behind by what was refused" diff before after
pass "something was written over" diff kept now

# The guide, as its reader would go through it.
guide() { env -u WEIR PATH=$(dirname "$WEIR"):$PATH python3 "$srcdir/tests/gates/guide.py" "$srcdir/docs/plugin-guide.md" "$tmp/guide"; }
if [ $meson = yes ] && have python3 && have patch && have dpkg-deb; then
	mkdir guide
	pass "docs/plugin-guide.md is not so" guide
else
	notice "no meson, python3, patch or dpkg-deb: the guide was not gone through"
fi

# What can not be written whole is taken back.
(ulimit -f 1 && trap '' XFSZ && exec "$WEIR" new sink cut-off) >out 2>err
status=$?
checks=$((checks + 1))
{ [ $status = 1 ] && grep -q 'cut-off/.* can not be written: File too large; nothing was left behind' err && [ ! -e cut-off ]; } ||
	bad "a full disk: weir new exits with $status, says $(cat err), and leaves $(ls cut-off 2>&1)"
finish
