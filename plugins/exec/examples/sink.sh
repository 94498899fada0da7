#!/bin/sh
# A sink in shell: each value becomes a line of a file, and is answered when it is there.
#
#   [sink]
#   plugin  = exec
#   command = /usr/share/doc/weir/exec/sink.sh /var/lib/weir/values.txt
#   format  = raw
while IFS= read -r line; do
	number=${line%% *} value=${line#* }
	if printf '%s\n' "$value" >>"$1"; then
		echo "$number ok"
	else
		echo "$number retry $1 can not be written"
	fi
done
