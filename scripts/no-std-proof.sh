#!/usr/bin/env bash
# Builds core as a no_std static library, links it with a C program and runs it. About a minute the first time.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$PWD/target/no-std-proof
library=$target/release/libpcrseal_no_std_proof.a
program=$target/proof

cargo build --release --locked --manifest-path scripts/no-std-proof/Cargo.toml --target-dir "$target"
"${CC:-cc}" -Wall -Wextra -Werror -Wl,--gc-sections -o "$program" scripts/no-std-proof/main.c "$library"

# Genuine documents lie beside the checkout or nowhere; without them `proof_verify` is linked and not run.
documents=(../shared/vectors/attestation/*_prod_*.cbor)
if [ -e "${documents[0]}" ]; then
    "$program" "${documents[0]}" "${documents[-1]}"
else
    "$program"
    echo "not run: attestation verification (no ../shared/vectors/attestation beside this checkout)"
fi
printf 'library %s bytes, linked program %s bytes\n' "$(stat -c %s "$library")" "$(stat -c %s "$program")"
