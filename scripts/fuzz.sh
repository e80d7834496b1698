#!/usr/bin/env bash
# Fuzzes: scripts/fuzz.sh [SECONDS [TARGET...]], by default every target for 15 seconds each.
#
# Needs a nightly toolchain, and installs cargo-fuzz where it is missing (about two minutes). Skips, saying so,
# without a nightly; fails on a crash, a hang, or more than 1 GiB of memory.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-15}
shift || true

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "skipped: fuzzing needs a nightly toolchain, and none is installed"
    exit 0
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "installing cargo-fuzz, about two minutes"
    cargo install --quiet --locked cargo-fuzz --version 0.13.2
fi

scripts/fuzz-seed.sh
if [ $# -gt 0 ]; then
    targets=("$@")
else
    mapfile -t targets < <(cargo +nightly fuzz list)
fi
for target in "${targets[@]}"; do
    echo "fuzzing $target for $seconds s"
    cargo +nightly fuzz run --target-dir target/fuzz "$target" -- \
        -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 -max_len=16384 -verbosity=0 -print_final_stats=1
done
