#!/usr/bin/env bash
# Builds pcrseal and the examples, and runs them against the emulator, which stands in for AWS and the enclave:
#
#   examples/c/run.sh
#
# Needs a Rust toolchain, make and a C compiler. A few minutes the first time, some seconds after that.
set -euo pipefail
cd "$(dirname "$0")/../.."

make --silent
cargo build --quiet --locked -p pcrseal-emulator

work=$(mktemp -d)
emulator=
trap '[ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true; rm -rf "$work"' EXIT

# An installed pcrseal needs no such flags: cc … $(pkg-config --cflags --libs pcrseal)
flags=(-std=c99 -Wall -Wextra -Wpedantic -Werror -Iinclude)
libraries=(-Ltarget/c -lpcrseal "-Wl,-rpath,$PWD/target/c")
for example in seal_unseal verify_document host_unseal; do
    ${CC:-cc} "${flags[@]}" ${CFLAGS:-} -o "$work/$example" "examples/c/$example.c" "${libraries[@]}"
done

# An enclave whose PCR0, PCR1 and PCR2 are 48 bytes of a0, a1 and a2; a document of it; three keys that release their
# shares to it alone; and a configuration that names them.
echo "the public key that is attested" >"$work/public-key"
target/debug/pcrseal-emulator --listen 127.0.0.1:0 --nsm-socket "$work/nsm" --keys 3 --session-out "$work/session.json" \
    --attest "$work/public-key,$work/document.cbor" --root-out "$work/root.pem" >"$work/log" 2>&1 &
emulator=$!
until [ -e "$work/session.json" ]; do
    kill -0 "$emulator" 2>/dev/null || {
        cat "$work/log" >&2
        exit 1
    }
    sleep 0.05
done

echo "== seal_unseal"
"$work/seal_unseal" "$work/session.json" "$work/blob"

echo "== verify_document"
sed '/-----/d' "$work/root.pem" | base64 -d >"$work/root.der"
pcr() {
    printf "$1%.0s" {1..48}
}
cat >"$work/measurements.json" <<END
{"Measurements": {"HashAlgorithm": "Sha384 { ... }", "PCR0": "$(pcr a0)", "PCR1": "$(pcr a1)", "PCR2": "$(pcr a2)"}}
END
"$work/verify_document" "$work/document.cbor" "$work/measurements.json" "$work/root.der"

echo "== host_unseal"
value_of() {
    sed -n "s|.*\"$1\": \"\([^\"]*\)\".*|\1|p" "$work/session.json"
}
# The same configuration, but that the program moves the bytes: no KMS client, and no credentials in it.
sed -e '/"kms": {/,/}/d' -e '/"credentials": {/,/}/d' -e 's|"clock": "attested"|"transport": "host"|' \
    "$work/session.json" >"$work/host.json"
AWS_ACCESS_KEY_ID=$(value_of access_key_id) AWS_SECRET_ACCESS_KEY=$(value_of secret_access_key) \
    "$work/host_unseal" "$work/host.json" "$work/blob" "$(value_of endpoint | sed 's|http://||')"
