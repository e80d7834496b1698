#!/usr/bin/env bash
# Measures published verifiers of attestation documents beside ours:
# scripts/bench-peers.sh [--larger] [DOCUMENT SECONDS]
#
# Prints the tables of docs/PERFORMANCE.md; the rows of crates that are much more than a verifier only with
# --larger. DOCUMENT is a genuine document and SECONDS the time at which it verifies; by default one of
# ../shared/vectors, without which nothing is measured. Linux alone. Building takes some ten minutes on two
# cores the first time, with --larger some twenty-five and 2.5 GB of memory; measuring takes half a minute.
set -euo pipefail
cd "$(dirname "$0")/.."

manifest=benches/peers/Cargo.toml
target=$PWD/target/bench-peers
peers=(attestation-doc-validation nitro_attest nsm-nitro-enclave-utils remote-attestation-verifier
    tee-attestation-verifier)
features=()
if [[ ${1-} == --larger ]]; then
    shift
    peers+=(fastcrypto TTKServer vta-sdk)
    features=(--features larger)
fi

# Of a tree with depths, the distinct packages below the one named: itself not counted.
count() {
    sed -E 's/ \(.*\)$//; s/^([0-9]+)/\1 /' |
        awk -v package="$1" '
            inside && $1 <= depth { inside = 0; package = "" }
            inside { print $2, $3 }
            !inside && $2 == package { inside = 1; depth = $1 }' |
        sort -u | wc -l
}

tree() {
    cargo tree --locked --edges normal --prefix depth --no-dedupe --no-default-features "$@"
}

dependencies=()
for backend in aws-lc rustcrypto; do
    dependencies+=("pcrseal-core/$backend=$(tree --manifest-path core/Cargo.toml --features "$backend" | count pcrseal-core)")
done
for peer in "${peers[@]}"; do
    dependencies+=("$peer=$(tree --manifest-path "$manifest" --features "$peer" | count "$peer")")
done

export PEER_DEPENDENCIES="${dependencies[*]}"
cargo run --release --quiet --locked --manifest-path "$manifest" --target-dir "$target" \
    "${features[@]}" -- "$@"
