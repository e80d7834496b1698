#!/bin/sh
# Compares what the KMS client sends with botocore, AWS's own library for Python: 200 signed requests of every
# operation, the host name of every region, and AWS's bounds on every member of a request.
#
# Takes about 20 seconds the first time (botocore into a virtual environment below ${XDG_CACHE_HOME:-~/.cache}), and
# three seconds after that, besides building the client. Needs python3 with venv, cargo, and a PyPI index.
# BOTOCORE=VERSION asks another release: what AWS changed then fails here.
set -eu
cd "$(dirname "$0")/.."
echo "interop-botocore: about 20 seconds the first time, then three"

version="${BOTOCORE:-1.44.5}"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/pcrseal/botocore-$version-venv"
if ! "$cache/bin/python" -c 'import botocore' 2>/dev/null; then
    python3 -m venv "$cache"
    "$cache/bin/pip" install --quiet --disable-pip-version-check "botocore==$version"
fi

cargo build --quiet --package pcrseal-kms --example wire_oracle
"$cache/bin/python" scripts/interop_botocore.py "${CARGO_TARGET_DIR:-target}/debug/examples/wire_oracle"
echo "interop-botocore: passed"
