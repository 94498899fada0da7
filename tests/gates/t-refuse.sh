#!/bin/bash
# t-refuse.sh - plugins that must not be loaded: each of tests/bad-plugins is refused with its sentence and status 2.
#
# The sentence, which follows the file's name, stands in the third line of the plugin's source; without one the plugin
# is in order.  @N@ there stands for any number: sizes differ between machines.
. "$(dirname "$0")/lib.sh"
[ -x "$WEIR" ] || skip "there is no $WEIR"
case $CHECK_FLAGS in *fsanitize*) flags=$CHECK_FLAGS ;; *) flags= ;; esac
shopt -s extglob
bad_plugins=$srcdir/tests/bad-plugins
mkdir "$tmp/plugins"
export WEIR_PLUGIN_PATH=$tmp/plugins
cd "$tmp" || exit 1

compile() { # NAME
	$CC $flags -std=c11 -shared -fPIC -fvisibility=hidden -I"$srcdir/plugin-api" \
		-o "plugins/$1.so" "$bad_plugins/$1.c"
}

pipeline() { # NAME
	printf '[source]\nplugin = empty-source\n\n[sink]\nplugin = %s\n' "$1" >p.ini
}

# refused NAME SENTENCE: weir check says exactly that, and exits with 2.
refused() {
	local want="p.ini:5: [sink] plugin = $1: $2" got status
	local pattern=$(printf '%s' "$want" | sed -e 's/[][\\*?]/\\&/g' -e 's/@N@/+([0-9a-f])/g')
	checks=$((checks + 1))
	pipeline "$1"
	got=$("$WEIR" check p.ini 2>&1 >out)
	status=$?
	[ $status = 2 ] || bad "$1: weir check exited with $status, not 2"
	# shellcheck disable=SC2053 # it is a pattern
	[[ $got == $pattern ]] && return
	bad "$1: weir check said
  $got
and not
  $want"
}

for source in "$bad_plugins"/*.c; do
	name=$(basename "$source" .c)
	pass "$name does not compile" compile "$name"
done
for source in "$bad_plugins"/*.c; do
	name=$(basename "$source" .c)
	sentence=$(sed -nE '3s,^/\* weir says: (.*) \*/$,\1,p' "$source")
	[ -n "$sentence" ] && refused "$name" "$tmp/plugins/$name.so: $sentence"
done

pipeline good
pass "the good plugin is refused" "$WEIR" check p.ini

# Files that are no library at all.
echo 'no library' >plugins/text.so
: >plugins/empty.so
head -c 300 plugins/good.so >plugins/cut.so
refused text "$tmp/plugins/text.so: file too short"
refused empty "$tmp/plugins/empty.so: file too short"
refused cut "$tmp/plugins/cut.so: cannot read file data"

# What others could have written is not run.
cp plugins/good.so plugins/writable.so
chmod go+w plugins/writable.so
refused writable "$tmp/plugins/writable.so can be written by everybody, so its code can not be trusted; mend it with \
chmod go-w $tmp/plugins/writable.so"

# Nowhere; and a name that is near.
refused goood "there is no plugin \"goood\" in $tmp/plugins, $("$WEIR" --help | grep -oE '/[^ ]*/weir/plugins' | head -n 1); did you mean \"good\"?"
finish
