#!/usr/bin/env bash
# Tests of the C interface: builds the library, compiles the header as C99 and C++17, installs into a temporary folder and
# builds against that, and runs programs in C against the emulator, under AddressSanitizer and under valgrind.
#
# Takes no arguments. Some five minutes on two free cores once the Rust code is built, which takes two to three more.
# Installs gcc, g++, make, pkg-config, CMake and valgrind from Debian's packages where they are missing. Exits with 77
# and the reason where it cannot, with 1 when something fails.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never
name=start

say() {
    printf 'test-c: %s\n' "$*" >&2
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

# A program, and Debian's package of it.
tools() {
    local missing=() program root=()
    for program in gcc:gcc g++:g++ make:make pkg-config:pkg-config cmake:cmake valgrind:valgrind readelf:binutils; do
        command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || {
        say "cannot run here: missing ${missing[*]}, and no apt-get to install them"
        exit 77
    }
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || {
            say "cannot run here: neither root nor sudo without a password, to install: ${missing[*]}"
            exit 77
        }
        root=(sudo -n)
    fi
    say "installing ${missing[*]}"
    "${root[@]}" apt-get update -qq >&2
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libc6-dev \
        "${missing[@]}" >&2 || {
        say "cannot run here: apt-get does not install ${missing[*]}, as it says above"
        exit 77
    }
}

library() {
    make
    cargo build --quiet --locked -p pcrseal-emulator -p pcrseal-header
    make --silent check-symbols
}

# A program that does not look at a status is refused: ignored COMPILER…
ignored() {
    ! "$@" "${strict[@]}" -Iinclude -c -o /dev/null - 2>/dev/null <<'END'
#include <pcrseal.h>
void f(pcrseal_cancel **cancel) { pcrseal_cancel_new(cancel, NULL); }
END
}

# Alone, in both languages, by whatever compilers there are; and the example at its top.
header() {
    local compiler
    for compiler in gcc clang; do
        command -v $compiler >/dev/null || continue
        $compiler -std=c99 "${strict[@]}" -Iinclude -c -o "$out/alone.o" -x c - <<<'#include <pcrseal.h>'
        sed -n '/^\/\/ THE SMALLEST COMPLETE EXAMPLE/,/^#ifndef/s|^//     ||p' include/pcrseal.h |
            $compiler -std=c99 "${strict[@]}" -Iinclude -c -o "$out/example.o" -x c -
        nm "$out/example.o" | grep -q 'T master_key'
        ignored $compiler -std=c99 -x c || return 1
    done
    for compiler in g++ clang++; do
        command -v $compiler >/dev/null || continue
        $compiler -std=c++17 "${strict[@]}" -Iinclude -c -o "$out/alone.o" -x c++ - <<<'#include <pcrseal.h>'
        ignored $compiler -std=c++17 -x c++ || return 1
    done
}

# The test programs, with sanitizers and without.
programs() {
    cargo run --quiet --locked -p pcrseal-header -- arguments >"$out/arguments.c"
    local program flags=(-std=c99 -D_POSIX_C_SOURCE=200809L "${strict[@]}" -g -Iinclude -Iffi/tests/c)
    for program in "$out/arguments.c" ffi/tests/c/tour.c ffi/tests/c/threads.c; do
        gcc "${flags[@]}" -fsanitize=address,undefined -fno-sanitize-recover=all -o "$out/$(basename "$program" .c)-asan" \
            "$program" "${libraries[@]}"
        gcc "${flags[@]}" -o "$out/$(basename "$program" .c)" "$program" "${libraries[@]}"
    done
}

with_sanitizers() {
    local program
    for program in arguments tour threads; do
        ASAN_OPTIONS=detect_leaks=1 ffi/tests/c/run.sh "$out/$program-asan"
    done
}

# What is still reachable at the end is what lives as long as the process: the table of statuses, and the like.
under_valgrind() {
    PCRSEAL_TEST_BRIEF=1 ffi/tests/c/run.sh valgrind --quiet --leak-check=full --show-leak-kinds=all \
        --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=1 \
        --suppressions=ffi/tests/c/valgrind.supp \
        --log-file="$out/$1.valgrind" "$out/$1" || {
        cat "$out/$1.valgrind" >&2
        return 1
    }
}

# At the same time: each takes one core, and minutes.
with_valgrind() {
    local program one running=() failed=0
    for program in arguments tour threads; do
        under_valgrind "$program" &
        running+=($!)
    done
    for one in "${running[@]}"; do
        wait "$one" || failed=1
    done
    return "$failed"
}

examples() {
    examples/c/run.sh
}

if [ $# -gt 0 ]; then
    sed -n '2,8s/^# \{0,1\}//p' "$0"
    exit 2
fi
strict=(-Wall -Wextra -Wpedantic -Werror)
out=$PWD/target/c
libraries=("-L$out" -lpcrseal "-Wl,-rpath,$out" -pthread)
mkdir -p "$out"
documents=$PWD/../shared/vectors/attestation
if [ -d "$documents" ]; then
    export PCRSEAL_TEST_DOCUMENTS=$documents
elif [ -n "${CI:-}" ]; then
    say "FAILED: CI is set, and there are no genuine documents in ../shared/vectors/attestation"
    exit 1
fi

part "tools" tools
part "the library" library
part "the header" header
part "an installation" make --silent check-install
part "the programs" programs
part "under AddressSanitizer and UBSan" with_sanitizers
part "under valgrind" with_valgrind
part "the examples" examples
say "passed in $SECONDS s"
