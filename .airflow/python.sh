#!/bin/sh
# Prints the Python that the virtual environment is made with: $PYTHON if given, else the first that suits.
set -eu

suits() { "$1" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; }
makes_venvs() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

if [ -n "${PYTHON:-}" ]; then
    if ! suits "$PYTHON"; then
        echo "PYTHON=$PYTHON is not a Python of 3.11, 3.12 or 3.13 that runs: name another, or leave PYTHON out" >&2
        exit 1
    fi
    candidates=$PYTHON
else
    candidates="python3.13 python3.12 python3.11 python3"
fi

without_venv=""
for candidate in $candidates; do
    # A version manager's shim can be on the PATH and still not run, so each is tried.
    suits "$candidate" || continue
    if makes_venvs "$candidate"; then
        command -v "$candidate"
        exit 0
    fi
    without_venv=$candidate
done

if [ -n "$without_venv" ]; then
    version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "$without_venv cannot make virtual environments: on Debian and Ubuntu, apt install python$version-venv" >&2
else
    echo "Headrace needs Python 3.11, 3.12 or 3.13 and found none: on Debian and Ubuntu, apt install python3 python3-venv;" >&2
    echo "on macOS, install one of them and name it: make PYTHON=/path/to/python3.13" >&2
fi
exit 1
