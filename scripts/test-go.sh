#!/usr/bin/env bash
# Everything about the Go module (go/) and its examples (examples/go): builds the library and the emulator, installs the
# library into a temporary folder, and runs against that: gofmt, go vet, the tests, the tests under the race detector and
# under cgo's checks, a program that is linked with the static library, the examples. Prints each part with its time.
#
# Three minutes on two cores, besides building the library and the emulator (some ten minutes from nothing). Go, a C
# compiler and pkg-config come from Debian's packages where they are missing, for which it is root or has sudo; it needs a
# Rust toolchain. Without one of those it says so and exits with 77. Nothing else is downloaded: the module has no
# dependencies.
#
# GO names another Go than the first on the path.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

say() {
    printf 'test-go: %s\n' "$*"
}

# This machine lacks something: no fault of the project's.
cannot() {
    say "cannot run here: $*" >&2
    exit 77
}

# Runs a part and says how long it took: part NAME COMMAND...
part() {
    local name=$1 start=$SECONDS
    shift
    # set -e does not hold in a function that is called in a condition; in a shell of its own it does.
    local status=0
    set +e
    (
        set -e
        "$@"
    )
    status=$?
    set -e
    if [ "$status" -ne 0 ]; then
        say "FAILED: $name"
        exit 1
    fi
    say "$name: passed in $((SECONDS - start)) s"
}

# Installs what is missing of Debian's packages.
packages() {
    local missing=() sudo=()
    command -v "${GO:-go}" >/dev/null || missing+=(golang-go)
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    command -v make >/dev/null || missing+=(make)
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || cannot "no apt-get to install ${missing[*]} with"
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || cannot "neither root nor sudo without a password, to install: ${missing[*]}"
        sudo=(sudo -n)
    fi
    say "installing ${missing[*]}"
    { ${sudo[@]+"${sudo[@]}"} apt-get update -qq &&
        ${sudo[@]+"${sudo[@]}"} env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$work/apt.log" 2>&1 || {
        cat "$work/apt.log" >&2
        cannot "apt-get cannot install ${missing[*]}, as it says above"
    }
}

library() {
    make --silent install DESTDIR="$work/root" PREFIX=/opt/pcrseal
    cargo build --quiet --package pcrseal-emulator
}

# Has Go build with the library of a tree. Its cache knows neither what pkg-config says nor what is in the header: a macro
# that nothing reads tells one tree from another.
use() {
    export PKG_CONFIG_SYSROOT_DIR=$1 PKG_CONFIG_PATH=$1/opt/pcrseal/lib/pkgconfig LD_LIBRARY_PATH=$1/opt/pcrseal/lib
    export CGO_CFLAGS="-g -O2 -DPCRSEAL_TREE=$1"
}

formatting() {
    local unformatted
    unformatted=$(gofmt -l go examples/go)
    [ -z "$unformatted" ] || {
        echo "gofmt would change: $unformatted" >&2
        return 1
    }
}

vet() {
    cd go
    "$go" vet ./...
    "$go" vet -tags pcrseal_static ./...
    cd ../examples/go
    "$go" vet ./...
}

tests() {
    cd go
    "$go" test -count=1 "$@" ./...
}

# Every pointer that C is given is followed, as far as this Go can: since 1.21 that is for a build to choose.
cgo_checks() {
    if GOEXPERIMENT=cgocheck2 "$go" version >/dev/null 2>&1; then
        GOEXPERIMENT=cgocheck2 tests
    else
        GODEBUG=cgocheck=2 tests
    fi
}

# A tree with libpcrseal.a alone, as the tag is for; the program then needs no library of ours.
static() {
    cp -a "$work/root" "$work/static-root"
    rm "$work"/static-root/opt/pcrseal/lib/libpcrseal.so*
    use "$work/static-root"
    unset LD_LIBRARY_PATH
    cd go
    "$go" test -tags pcrseal_static -c -o "$work/static.test" .
    if ldd "$work/static.test" | grep libpcrseal; then
        echo "the program needs a shared library of ours" >&2
        return 1
    fi
    "$work/static.test" -test.run 'TestCodes|TestErrors|TestShamir|TestSealAndUnseal|Example'
}

examples() {
    PATH=$(dirname "$(command -v "$go")"):$PATH examples/go/run.sh
}

[ "$(uname -s)" = Linux ] || cannot "this is $(uname -s), and the library is for Linux"
command -v cargo >/dev/null || cannot "no cargo"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packages
go=$(command -v "${GO:-go}")
say "$("$go" version); three minutes besides building the library and the emulator"

part "library and emulator" library
use "$work/root"
export PCRSEAL_EMULATOR=${CARGO_TARGET_DIR:-$root/target}/debug/pcrseal-emulator
# No other toolchain, no module of others, no checksum database: nothing is asked of the network.
export GOTOOLCHAIN=local GOPROXY=off GOSUMDB=off GOFLAGS= CGO_ENABLED=1

part "gofmt" formatting
part "vet" vet
part "tests" tests
part "race detector" tests -race
part "cgo's checks" cgo_checks
part "static library" static
part "examples" examples
say "passed in $SECONDS s"
