#!/usr/bin/env bash
# Tests in guests with Linux's own driver of the Nitro Secure Module: boots nine under QEMU, software emulation, no
# Nitro hardware and no KVM. docs/TESTING.md says what they show, what they cannot, and how to debug one.
#
# Takes no arguments. About ten minutes from nothing on two free cores (half of it for what
# scripts/nitro-guest-tools.sh builds, half for our own programs), and one minute after that. Exits with 77 and the
# reason where it cannot run (it needs Linux on x86_64, Debian 12 or 13, the network the first time, and root or sudo
# for packages that are missing), with 1 when a check fails. Logs and images stay in target/nitro-guest.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

export CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never
name=start

say() {
    printf 'test-nitro-guest: %s\n' "$*" >&2
}

trap 'status=$?; [ $status -eq 0 ] || [ $status -eq 77 ] || say "FAILED: $name, after $SECONDS s"' EXIT

# Runs a part and says how long it took: part NAME COMMAND…
part() {
    name=$1
    local start=$SECONDS
    shift
    "$@"
    say "$name: $((SECONDS - start)) s"
}

# Waits for whoever holds the lock that is open as this descriptor. What is started later must not inherit it: a server
# that a compiler's wrapper leaves behind would hold it for ever.
locked() {
    flock -n "$1" || {
        say "another run holds $(readlink "/proc/$$/fd/$1"); waiting for it"
        flock "$1"
    }
}

tools() {
    local found
    found=$(scripts/nitro-guest-tools.sh)
    eval "$found"
    export QEMU QEMU_FIRMWARE KERNEL KERNEL_MODULES EIF_BUILD VHOST_DEVICE_VSOCK
}

# The probe and the harness: static, so that the first runs where there is no library, and so that both share what is
# compiled.
programs() {
    RUSTFLAGS="-C target-feature=+crt-static" cargo build --quiet --locked --release --target "$triple" \
        --manifest-path nitro/guest/Cargo.toml --target-dir "$targets/guest" \
        --package pcrseal-guest-probe --package pcrseal-guest-harness
    # Out of the way of another checkout, which compiles to the same path.
    install "$targets/guest/$triple/release"/pcrseal-guest-{probe,harness} "$OUTPUT"
    export PROBE=$OUTPUT/pcrseal-guest-probe
}

# The example, built as its image is built.
enclave() {
    PCRSEAL_ENCLAVE_TARGET=$targets/enclave scripts/build-enclave.sh --out "$OUTPUT"
    export ENCLAVE=$OUTPUT/pcrseal-enclave
}

guests() {
    say "static programs: pcrseal-enclave $(stat -c %s "$ENCLAVE") bytes, pcrseal-guest-probe $(stat -c %s "$PROBE") bytes"
    "$OUTPUT/pcrseal-guest-harness"
}

if [ $# -gt 0 ]; then
    sed -n '2,8s/^# \{0,1\}//p' "$0"
    exit 2
fi
case $(uname -sm) in
"Linux x86_64") ;;
*)
    say "cannot run here: $(uname -sm) is not supported, the guests are for Linux on x86_64"
    exit 77
    ;;
esac
triple=x86_64-unknown-linux-gnu
export OUTPUT=$root/target/nitro-guest
mkdir -p "$OUTPUT"
say "ten minutes from nothing on two free cores, one minute after that; logs in $OUTPUT"

# One run at a time in a checkout, whose logs and images these are.
exec 8>"$OUTPUT/lock"
locked 8
part "tools" tools 8>&-
# With the tools: a checkout that is new finds there what another has compiled. One at a time compiles.
targets=$GUEST_CACHE/target
[ -w "$GUEST_CACHE" ] || targets=$OUTPUT/target
mkdir -p "$targets"
exec 9>"$targets/lock"
locked 9
part "the probe and the harness" programs 8>&- 9>&-
part "the enclave" enclave 8>&- 9>&-
exec 9>&-
part "nine guests" guests 8>&-
say "passed in $SECONDS s"
