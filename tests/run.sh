#!/bin/sh
# Run all tests: where root may give each a process table of its own, two halves of about the same length at once.
# usage: run.sh PYTHON [PYTEST-OPTION...]
set -u
python=$1
shift
cd "$(dirname "$0")/.."
matrix=tests/live/test_matrix.py
# Kernel threads are seen in the machine's own process table alone.
machine="tests/hostile/test_processes.py::test_kernel_thread tests/probe/test_facts.py::test_a_kernel_thread"
others=$(find tests -mindepth 1 -maxdepth 1 -type d ! -name live ! -name '_*' ! -name bench | sort)
apart="unshare --pid --fork --kill-child --mount-proc"
if ! $apart true 2>/dev/null; then
    exec "$python" -m pytest "$@"
fi
# The shell reaps what the tests leave to the first process.
alone='"$@"; exit $?'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "two halves at once; what the first one says comes last"
# shellcheck disable=SC2086 # lists of words
$apart sh -c "$alone" half "$python" -m pytest "$@" $others tests/test_*.py $matrix $(printf -- '--deselect %s ' $machine) >"$log" 2>&1 &
first=$!
trap 'kill $first; exit 130' INT TERM HUP  # with it goes all that it has started
$apart sh -c "$alone" half "$python" -m pytest "$@" tests/live --deselect $matrix
second=$?
wait $first
first=$?
cat "$log"
"$python" -m pytest "$@" $machine
third=$?
[ "$first$second$third" = 000 ]
