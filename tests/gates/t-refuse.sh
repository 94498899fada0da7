#!/bin/bash
# t-refuse.sh - plugins that must not be loaded: each of tests/bad-plugins is refused with its sentence and status 2, and
# `weir plugins check` names the rule of weir-plugin(7) that it breaks, before any code of it runs where that is enough.
#
# The sentence, which follows the file's name, stands in the third line of the plugin's source; without one the plugin
# is in order.  The rule stands in the line behind.  @N@ there stands for any number: sizes differ between machines.
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

# breaks RULE FILE [TEXT]: weir plugins check says so, and exits with 1.
breaks() {
	local got status
	checks=$((checks + 1))
	got=$("$WEIR" plugins check "$2" 2>&1 >out)
	status=$?
	seen="$seen $1"
	[ $status = 1 ] || bad "$2: weir plugins check exits with $status, not 1"
	[[ $got == *"${3-}"*"[$1]"* ]] || bad "$2: weir plugins check does not name [$1]${3+ and \"$3\"} but says: $got"
	[ ! -s out ] || bad "$2: weir plugins check lists it all the same"
}
seen=

for source in "$bad_plugins"/*.c; do
	rule=$(sed -nE '3,4s,^/\* rule: (.*) \*/$,\1,p' "$source")
	[ -z "$rule" ] || breaks "$rule" "plugins/$(basename "$source" .c).so"
done
for name in good every-option; do
	pass "weir plugins check $name" "$WEIR" plugins check plugins/$name.so
done
breaks file plugins/text.so 'it is no ELF file'
breaks file plugins/empty.so 'it is no ELF file'
breaks file plugins/cut.so 'cut off or damaged'
breaks file plugins/absent.so 'No such file'
breaks owner plugins/writable.so 'chmod go-w'
breaks exports plugins/exports.so 'it exports helper_of_mine;'
# A flaw that does not keep it from being loaded does not hide the next one.
pass "two flaws" $CC $flags -shared -fPIC -I"$srcdir/plugin-api" -o plugins/two.so "$bad_plugins/exports.c"
breaks exports plugins/two.so 'it exports helper_of_mine;'
breaks name plugins/two.so 'rename the file to exports.so'
breaks symbols plugins/lacks-function.so 'undefined symbol: function_of_nobody;'
breaks load plugins/hangs.so 'it does not come back'
breaks load plugins/crashes.so 'it crashes while it is loaded (Aborted)'

# What a linker can make of the good one, and what a copy from another machine looks like.
good() { $CC $flags -std=c11 -fPIC -fvisibility=hidden -I"$srcdir/plugin-api" "$@" "$bad_plugins/good.c"; }
mkdir made
pass "an object file" good -c -o made/object.so && breaks file made/object.so 'it is an object file'
echo 'int main(void) { return 0; }' >main.c
pass "a program" $CC $flags -o made/program.so main.c && breaks file made/program.so 'it is a program'
pass "an executable stack" good -shared -Wl,-z,execstack -o made/good.so && breaks stack made/good.so
echo 'int of_library; int *elsewhere(void); int *elsewhere(void) { return &of_library; }' >library.c
pass "a library" $CC -shared -fPIC -o libfor-a-day.so library.c
pass "a plugin that needs it" good -shared -Wl,--no-as-needed -L. -lfor-a-day -o made/good.so
breaks libraries made/good.so 'it needs the library libfor-a-day.so'
pass "a plugin that finds it" good -shared -Wl,--no-as-needed -L. -lfor-a-day '-Wl,-rpath,$ORIGIN/..' -o made/good.so
pass "a library beside the plugin is not found" "$WEIR" plugins check made/good.so
pass "a plugin with two folders" good -shared -Wl,--no-as-needed -L. -lfor-a-day \
	'-Wl,-rpath,/nowhere:${ORIGIN}/../made/..' -o made/good.so
pass "a library in the second folder is not found" "$WEIR" plugins check made/good.so
cp plugins/good.so made/good.so
printf '\377\377' | dd of=made/good.so bs=1 seek=18 conv=notrunc status=none # e_machine
breaks file made/good.so 'it is made for another machine'
echo '#include <stdio.h>
int version(void); int version(void) { return puts("x"); }' >libc-user.c
pass "a plugin with a version of glibc" good -shared libc-user.c -o versioned.so
if grep -aq 'GLIBC_2\.2\.5' versioned.so; then
	sed 's/GLIBC_2\.2\.5/GLIBC_9.2.5/' versioned.so >made/good.so
	breaks glibc made/good.so 'it needs glibc 9.2 and here is'
else
	notice "this machine has another first version of glibc: a newer one was not tried"
	seen="$seen glibc"
fi

# Each rule of the manual was broken by something, but for code that x86-64 links without -fPIC in no case.
checks=$((checks + 1))
wanted=$(sed -n '/^\.Sh RULES/,/^\.El/s/^\.It Cm //p' "$srcdir/docs/weir-plugin.7" | grep -vx position | sort -u)
[ "$wanted" = "$(printf '%s\n' $seen | sort -u)" ] || bad "the rules of weir-plugin(7) are $wanted; broken here: $seen"

# Nowhere; and a name that is near.
refused goood "there is no plugin \"goood\" in $tmp/plugins, $("$WEIR" --help | grep -oE '/[^ ]*/weir/plugins' | head -n 1); did you mean \"good\"?"
finish
