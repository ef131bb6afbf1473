#!/bin/sh
# Make or update .venv from the hash-pinned locks: sh envs/install.sh run|slurm|dev
# Quick when nothing has changed; safe to interrupt (the stamp is written last, so a set-up cut short is done again).
set -eu
cd "$(dirname "$0")/.."
lock=$1 python=${PYTHON:-python3} venv=$PWD/.venv bin=$PWD/.venv/bin

fail() { echo "vicollapse set-up: error: $*" >&2; exit 2; }

# Everything that the installed environment depends on; a stamp with another content is out of date.
key() { echo "$venv"; "$1" -V; cat pyproject.toml envs/install.sh locks/build.txt "locks/$lock.txt" | cksum; }

# An environment that was moved with its folder still names the old place in its scripts.
usable() { grep -qsF "$venv" "$bin/activate" && "$bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

up_to_date() { # the slurm and dev environments hold all that a run needs, the dev environment all of slurm's
    usable || return 1
    for name in $(echo run slurm dev | sed "s/.*$lock/$lock/"); do
        if [ -f ".venv/$name.stamp" ] && [ "$(lock=$name; key "$bin/python")" = "$(cat ".venv/$name.stamp")" ]; then return 0; fi
    done
    return 1
}

make_venv() {
    command -v "$python" >/dev/null || fail "'$python' not found; install Python 3.11 or later, or name it: make PYTHON=/path/to/python3.11 ..."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "Python 3.11 or later is needed, but '$python' is $("$python" -V 2>&1); name another: make PYTHON=python3.11 ..."
    # Some systems ship Python without ensurepip; then the outer pip installs into the environment.
    "$python" -m venv --clear "$venv" >/dev/null 2>&1 || "$python" -m venv --clear --without-pip "$venv" ||
        fail "'$python -m venv' does not work here; install the system's python3-venv, or use conda (envs/cpu.yaml)"
}

pip_install() {
    if "$bin/python" -m pip --version >/dev/null 2>&1; then "$bin/python" -m pip --disable-pip-version-check install -q "$@"
    elif "$python" -m pip --version >/dev/null 2>&1; then "$python" -m pip --python "$bin/python" --disable-pip-version-check install -q "$@"
    else fail "neither .venv nor '$python' has pip; install the system's python3-venv or python3-pip, then run again"
    fi
}

install_lock() {
    pip_install --require-hashes -r locks/build.txt
    if [ "${UV:-1}" = 1 ] && pip_install --require-hashes --only-binary :all: -r locks/uv.txt &&
        "$bin/uv" pip install -q --compile-bytecode --python "$bin/python" --require-hashes --no-build-isolation -r "locks/$lock.txt"; then return; fi
    echo "vicollapse set-up: installing with pip, which takes a minute or two"
    pip_install --require-hashes --no-build-isolation -r "locks/$lock.txt"
}

if up_to_date; then exit 0; fi
echo "vicollapse set-up: installing the '$lock' environment into .venv"
usable || make_venv
rm -f .venv/*.stamp
install_lock
pip_install --no-deps --no-build-isolation --editable .
"$bin/python" -m compileall -q src  # as its libraries: else each start compiles them where PYTHONDONTWRITEBYTECODE is set
key "$bin/python" >".venv/$lock.stamp"
