"""What a POSIX sh is told to do where there is no python3: dash, bash, busybox.

The script goes to the standard input of `sh`, never onto a command line. Every word of it that is not ours
is quoted for a POSIX shell, which is what reads it, whatever the login shell is. Parts of the answer stand
after a line "NONCE KEY"; their bytes are as they were read.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

# Beside these, `read`, `printf`, `command` and `[` are the shell's own.
LIBRARY = """\
LC_ALL=C; export LC_ALL; umask 077; ulimit -c 0
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
exec 2>/dev/null
h() { printf '\\n%s %s\\n' "$N" "$1"; }
host() {
h "$1 hostname"; uname -n </dev/null
h "$1 now"; date +%s.%N </dev/null
h "$1 uptime"; cat /proc/uptime </dev/null
h "$1 hz"; getconf CLK_TCK </dev/null
h "$1 uid"; id -u </dev/null
h "$1 boot_id"; cat /proc/sys/kernel/random/boot_id </dev/null
h "$1 status"; cat /proc/self/status </dev/null
h "$1 yama"; cat /proc/sys/kernel/yama/ptrace_scope </dev/null
h "$1 mount"; readlink /proc/self/ns/mnt </dev/null
h "$1 mountinfo"; cat /proc/self/mountinfo </dev/null
}
table() {
h "table"; for d in /proc/[0-9]*; do l=; read -r l <"$d/stat" && printf '%s\\n' "$l"; done
}
facts() {
for f in stat status cmdline cgroup auxv; do h "$1 $f"; cat "/proc/$1/$f" </dev/null; done
for f in exe cwd root ns/mnt fd/1 fd/2; do h "$1 $f"; readlink "/proc/$1/$f" </dev/null; done
h "$1 sockets"; ls -l "/proc/$1/fd" </dev/null
h "$1 environ"; if cat "/proc/$1/environ" </dev/null; then h "$1 read"
elif [ -d "/proc/$1" ]; then h "$1 denied"; fi
}
file() {
h "$1 stat"; stat -L -c '%f %u %g %s %.9Y %.9Z' -- "$2" </dev/null 2>&1
if [ -f "$2" ]; then if [ -r "$2" ]; then h "$1 content"; head -c "$3" -- "$2" </dev/null
else h "$1 denied"; fi; fi
}
folder() {
file "$1" "$2" 0; [ -d "$2" ] || return; [ -r "$2" ] && [ -x "$2" ] || { h "$1 denied"; return; }
for e in "$2"/* "$2"/.[!.]* "$2"/..?*; do
if [ -e "$e" ] || [ -L "$e" ]; then
i=$((i+1)); h "$1 entry $i"; printf %s "${e##*/}"; file "$1 $i" "$e" "$3"
fi
done
}
globbed() { k=$1; shift; for e; do if [ -e "$e" ]; then h "$k"; printf %s "$e"; fi; done; }
real() { k=$1; shift; for e; do if [ -e "$e" ]; then h "$k"; readlink -f -- "$e" </dev/null; fi; done; }
clock() { u=; read -r u _ </proc/uptime; u=${u%.*}; u=${u:-0}; }
run() {
k=$1 t=$2 m=$3; shift 3; h "$k out"; clock
[ $((B-u)) -ge "$t" ] || t=$((B-u)); [ "$t" -ge 1 ] || { h "$k code"; printf 124; return; }
{ timeout "$t" "$@" </dev/null; c=$?; printf '\\n%s %s code\\n%s' "$N" "$k" "$c"; } | head -c "$m"
}
access() { if [ -w "$2" ]; then h "$1"; fi; }
which() { h "$1"; command -v -- "$2" || command -v "$2"; }
"""

PLAIN = re.compile(r"[A-Za-z0-9_./*?\[\]!^-]")


def quoted_pattern(pattern: str) -> str:
    """Quote all but what makes it a pattern."""
    return "".join(c if PLAIN.fullmatch(c) else shlex.quote(c) for c in pattern)


def grep(words: Sequence[str]) -> str:
    """Find command lines that hold one of the words; a bracket keeps grep from finding its own."""
    patterns = " ".join(f"-e {shlex.quote(f'[{word[0]}]' + re.escape(word[1:]))}" for word in words)
    return f"h candidates; grep -l {patterns} /proc/[0-9]*/cmdline </dev/null"
