#!/bin/sh
# Prints the path of a Python that can make virtual environments, of the first of these versions that is here:
# scripts/find-python.sh VERSION... (such as 3.13). Looks among the commands, in pyenv and in uv; installs nothing.
# Without any it exits with 1.
set -eu

# Whether this command is a Python of the version; a shim of pyenv may exist without one behind it.
fits() {
    [ "$("$1" -c 'import ensurepip, venv, sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$2" ]
}

for version in "$@"; do
    for candidate in "python$version" python3 "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python \
        "$(uv python find --no-python-downloads "$version" 2>/dev/null || true)"; do
        if [ -n "$candidate" ] && fits "$candidate" "$version"; then
            command -v "$candidate"
            exit
        fi
    done
done
exit 1
