#!/bin/sh
# Drives the emulator binary with the AWS SDK for Rust, unchanged, in every operation that it serves: an independent
# reading of SigV4, JSON 1.1 and KMS's errors. Then has our client use the SDK's HTTP connector and credentials.
#
# Takes about four minutes the first time (the SDK is built, without optimisation), and three seconds after that,
# besides building the emulator. Needs cargo alone.
set -eu
cd "$(dirname "$0")/.."
echo "interop-aws-sdk: about four minutes the first time, then three seconds"

target=${CARGO_TARGET_DIR:-$PWD/target}
cargo build --quiet --package pcrseal-emulator
cargo build --quiet --locked --manifest-path benches/kms-peers/Cargo.toml --package decrypt-aws-sdk \
    --example operations --target-dir "$target/interop-aws-sdk"
cargo build --quiet --locked --manifest-path benches/kms-peers/Cargo.toml --package lent-by-aws-sdk \
    --target-dir "$target/interop-aws-sdk"

work=$(mktemp -d)
server=
# shellcheck disable=SC2317 # called by the trap
finish() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT INT TERM

"$target/debug/pcrseal-emulator" --listen 127.0.0.1:0 --root-out "$work/root.pem" \
    --principal 'AKIAONE,secret-one,arn:aws:iam::000000000001:user/one' >"$work/log" &
server=$!
tries=0
until grep -q '^ready' "$work/log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
        echo "interop-aws-sdk: the emulator did not start" >&2
        exit 1
    fi
    sleep 0.1
done
endpoint=$(sed -n 's/^endpoint  *//p' "$work/log")
"$target/interop-aws-sdk/debug/examples/operations" "$endpoint" AKIAONE secret-one
env -u AWS_SESSION_TOKEN AWS_ACCESS_KEY_ID=AKIAONE AWS_SECRET_ACCESS_KEY=secret-one \
    "$target/interop-aws-sdk/debug/lent-by-aws-sdk" "$endpoint"
echo "interop-aws-sdk: passed"
