#!/usr/bin/env bash
# Fills fuzz/corpus with seeds: blobs, messages and attestation documents of our making, and genuine messages of
# AWS KMS and genuine documents where the folder ../shared/vectors lies beside the checkout. Under a minute the
# first time.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo run --quiet --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz --example seeds -- fuzz/corpus
if [ -d ../shared/vectors/cms ]; then
    cp ../shared/vectors/cms/*.ber fuzz/corpus/cms/
fi
if [ -d ../shared/vectors/attestation ]; then
    for target in attestation verify; do
        cp ../shared/vectors/attestation/*.cbor "fuzz/corpus/$target/"
    done
fi
for corpus in fuzz/corpus/*/; do
    printf '%s: %s seeds\n' "$corpus" "$(find "$corpus" -type f | wc -l)"
done
