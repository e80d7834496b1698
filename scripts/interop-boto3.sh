#!/bin/sh
# Drives the emulator binary with boto3, AWS's own client for Python: an independent reading of SigV4, JSON 1.1
# and KMS's errors. OpenSSL checks the keys, derives the shared secrets and opens what comes for a recipient.
#
# Takes about 20 seconds the first time (boto3 into a virtual environment below ${XDG_CACHE_HOME:-~/.cache}), and
# five seconds after that, besides building the emulator. Needs python3 with venv, cargo, openssl 3, and a PyPI
# index.
set -eu
cd "$(dirname "$0")/.."
echo "interop-boto3: about 20 seconds the first time, then five"

cache="${XDG_CACHE_HOME:-$HOME/.cache}/pcrseal/boto3-venv"
if ! "$cache/bin/python" -c 'import boto3' 2>/dev/null; then
    python3 -m venv "$cache"
    "$cache/bin/pip" install --quiet --disable-pip-version-check 'boto3==1.43.*'
fi

cargo build --quiet --package pcrseal-emulator
work=$(mktemp -d)
servers=
# shellcheck disable=SC2317 # called by the trap
finish() {
    for server in $servers; do kill "$server" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT INT TERM

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -outform DER -out "$work/enclave.key" 2>"$work/openssl"
openssl pkey -inform DER -in "$work/enclave.key" -pubout -outform DER -out "$work/enclave.pub"

# Starts an emulator with more options and leaves its endpoint in $endpoint: start LOG OPTION...
start() {
    log="$1"
    shift
    "${CARGO_TARGET_DIR:-target}/debug/pcrseal-emulator" --listen 127.0.0.1:0 \
        --principal 'AKIAONE,secret-one,arn:aws:iam::000000000001:user/one' \
        --principal 'AKIATWO,secret-two,arn:aws:iam::000000000002:role/two' "$@" >"$log" &
    server=$!
    servers="$servers $server"
    tries=0
    until grep -q '^ready' "$log"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
            echo "interop-boto3: the emulator did not start" >&2
            exit 1
        fi
        sleep 0.1
    done
    endpoint=$(sed -n 's/^endpoint  *//p' "$log")
}

start "$work/throttled.log" --quota 0
throttled=$endpoint
start "$work/log" --root-out "$work/root.pem" --attest "$work/enclave.pub,$work/document.cbor"
"$cache/bin/python" scripts/interop_boto3.py "$endpoint" "$throttled" "$work"
echo "interop-boto3: passed"
