#!/bin/sh
# Has moto, an independent server of AWS's APIs, check the client's signatures: it must accept what the client
# signs and refuse whatever was altered or signed by somebody else; without its check the same run must fail.
#
# Takes about a minute the first time (moto, 320 MB, into a virtual environment below
# ${XDG_CACHE_HOME:-~/.cache}), and five seconds after that, besides building the client. Needs cargo, Python 3.10
# or later with venv, and a PyPI index. Without such a Python it says so and exits with 77.
set -eu
cd "$(dirname "$0")/.."
echo "interop-moto: about a minute the first time, then five seconds"

if ! python=$(scripts/find-python.sh 3.13 3.12 3.11 3.10); then
    echo "interop-moto: skipped: no Python 3.10 to 3.13 with venv" >&2
    exit 77
fi
cache="${XDG_CACHE_HOME:-$HOME/.cache}/pcrseal/moto-5.2.5-venv"
if ! "$cache/bin/python" -c 'import moto.server' 2>/dev/null; then
    "$python" -m venv --clear "$cache"
    "$cache/bin/pip" install --quiet --disable-pip-version-check 'moto[server,kms,iam]==5.2.5'
fi

cargo build --quiet --package pcrseal-kms --example check_signatures
"$cache/bin/python" scripts/interop_moto.py "${CARGO_TARGET_DIR:-target}/debug/examples/check_signatures"
echo "interop-moto: passed"
