#!/usr/bin/env bash
# Runs the Go examples against the emulator, which takes the place of AWS and of the enclave's hardware:
#
#   examples/go/run.sh                     # all of them
#   examples/go/run.sh seal_unseal         # one: seal_unseal, verify_document, host_unseal
#
# Needs Go 1.19 or later, a C compiler, pkg-config and a Rust toolchain. The first run builds the library and the emulator,
# which takes some minutes; seconds after that. A library that pkg-config finds, and the emulator that PCRSEAL_EMULATOR
# names, are used as they are.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
examples=("$@")
[ $# -gt 0 ] || examples=(seal_unseal verify_document host_unseal)

work=$(mktemp -d)
emulator=
# shellcheck disable=SC2317 # called by the trap
finish() {
    [ -z "$emulator" ] || { kill "$emulator" && wait "$emulator"; } 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

if ! pkg-config --exists pcrseal; then
    make --silent --directory "$root" install PREFIX="$work/pcrseal" >"$work/make.log" 2>&1 || {
        cat "$work/make.log" >&2
        exit 1
    }
    export PKG_CONFIG_PATH=$work/pcrseal/lib/pkgconfig LD_LIBRARY_PATH=$work/pcrseal/lib
    # Go's cache does not know what pkg-config says: a macro that nothing reads tells this folder from another.
    export CGO_CFLAGS="-g -O2 -DPCRSEAL_TREE=$work"
fi
if [ -z "${PCRSEAL_EMULATOR:-}" ]; then
    cargo build --quiet --manifest-path "$root/Cargo.toml" --package pcrseal-emulator
    PCRSEAL_EMULATOR=${CARGO_TARGET_DIR:-$root/target}/debug/pcrseal-emulator
fi

"$PCRSEAL_EMULATOR" --listen 127.0.0.1:0 --nsm-socket "$work/nsm.sock" --keys 3 --session-out "$work/session.json" \
    --root-out "$work/root.pem" >"$work/emulator.log" &
emulator=$!
tries=0
until grep -qs '^ready' "$work/emulator.log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$emulator" 2>/dev/null; then
        echo "run.sh: the emulator did not start" >&2
        exit 1
    fi
    sleep 0.1
done

# What nitro-cli prints of the emulator's image: PCR0, PCR1 and PCR2 are 48 bytes of a0, a1 and a2.
value() { printf "$1%.0s" {1..48}; }
printf '{"Measurements": {"HashAlgorithm": "Sha384 { ... }", "PCR0": "%s", "PCR1": "%s", "PCR2": "%s"}}\n' \
    "$(value a0)" "$(value a1)" "$(value a2)" >"$work/measurements.json"

for example in "${examples[@]}"; do
    echo "=== $example"
    case $example in
    seal_unseal | host_unseal) go run "./$example" "$work/session.json" ;;
    verify_document) go run ./verify_document "$work/measurements.json" "$work/session.json" "$work/root.pem" ;;
    *)
        echo "run.sh: there is no example $example" >&2
        exit 2
        ;;
    esac
done
