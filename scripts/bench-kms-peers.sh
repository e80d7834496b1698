#!/usr/bin/env bash
# Measures the KMS client beside the AWS SDK for Rust: two programs that do the same job, against one emulator over
# loopback, in plain HTTP and in TLS. Prints one table, and exits with 1 if a target of it is missed.
#
# Takes about ten minutes on two cores: each program is built from nothing, alone, because that is measured too.
# Linux alone. Keep the machine quiet meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "bench-kms-peers: about ten minutes; both programs are built from nothing" >&2

export CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never
manifest=benches/kms-peers/Cargo.toml
target=${CARGO_TARGET_DIR:-$PWD/target}/bench-kms-peers
peers=(pcrseal aws-sdk)
TIMEFORMAT='%3U %3S'
exec 3>&2

build() {
    cargo build --release --quiet --locked --manifest-path "$manifest" "$@"
}

# Numbers of both programs as `measure` takes them: NAME=OURS,THEIRS
crates=() bytes=() milliseconds=()
rm -rf "$target"
mkdir -p "$target/programs"
for peer in "${peers[@]}"; do
    program=decrypt-$peer
    cargo fetch --quiet --locked --manifest-path "$manifest"
    # User and system time: others on the machine lengthen the wall time, and little else.
    cpu=$({ time build --package "$program" --target-dir "$target/$peer" >&3 2>&3; } 2>&1)
    milliseconds+=("$(awk '{ printf "%d", ($1 + $2) * 1000 }' <<<"$cpu")")
    cp "$target/$peer/release/$program" "$target/programs/"
    bytes+=("$(stat -c %s "$target/programs/$program")")
    # The program's own package is in the tree, too.
    tree=$(cargo tree --locked --manifest-path "$manifest" --package "$program" --edges normal --prefix none --no-dedupe)
    crates+=("$(($(sed 's/ (.*//' <<<"$tree" | sort -u | wc -l) - 1))")
    build --package "$program" --example "steps-$peer" --target-dir "$target/$peer"
    cp "$target/$peer/release/examples/steps-$peer" "$target/programs/"
done
build --package decrypt-pcrseal --example memory-pcrseal --target-dir "$target/pcrseal"
cp "$target/pcrseal/release/examples/memory-pcrseal" "$target/programs/"
build --package measure --target-dir "$target/pcrseal"

pair() {
    echo "$1=$2,$3"
}
"$target/pcrseal/release/measure" "$target/programs" "$(pair crates "${crates[@]}")" \
    "$(pair bytes "${bytes[@]}")" "$(pair compile-ms "${milliseconds[@]}")"
