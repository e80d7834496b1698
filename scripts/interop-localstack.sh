#!/bin/sh
# Holds the client against LocalStack's KMS, an independent server: what it releases to a recipient is opened (its
# CMS has a form of its own, which only an explicit call opens), the plaintexts that it sends beside Recipient are
# refused, and its errors are named.
#
# Takes about a minute the first time (LocalStack, 380 MB, into a virtual environment below
# ${XDG_CACHE_HOME:-~/.cache}), and fifteen seconds after that, besides building the client. Needs cargo, Python 3.13
# with venv, and a PyPI index. Without such a Python it says so and exits with 77.
set -eu
cd "$(dirname "$0")/.."
echo "interop-localstack: about a minute the first time, then fifteen seconds"

if ! python=$(scripts/find-python.sh 3.13); then
    echo "interop-localstack: skipped: no Python 3.13 with venv" >&2
    exit 77
fi
cache="${XDG_CACHE_HOME:-$HOME/.cache}/pcrseal/localstack-4.14.0-venv"
if ! "$cache/bin/python" -c 'import localstack.runtime.main' 2>/dev/null; then
    "$python" -m venv --clear "$cache"
    "$cache/bin/pip" install --quiet --disable-pip-version-check 'uv==0.9.*'
    # What it depends on is not pinned, and what came later does not fit.
    "$cache/bin/uv" pip install --quiet --python "$cache/bin/python" --exclude-newer 2026-03-01 \
        'localstack-core[runtime]==4.14.0'
fi

cargo build --quiet --package pcrseal-kms --example check_answers
"$cache/bin/python" scripts/interop_localstack.py "${CARGO_TARGET_DIR:-target}/debug/examples/check_answers"
echo "interop-localstack: passed"
