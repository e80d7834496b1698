#!/usr/bin/env bash
# `make install` into a temporary folder, and what a program's author does with it: pkg-config and CMake, C and C++,
# the shared library and the static one. Needs what `make` built, pkg-config and CMake. A few seconds.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    printf 'install: FAILED: %s\n' "$*" >&2
    exit 1
}

# Runs a program, which prints the library's version: runs NAME FILE [ARGUMENT…]
runs() {
    local name=$1 printed
    shift
    printed=$("$@") || fail "$name does not run"
    [ "$printed" = "$version" ] || fail "$name says it is $printed, not $version"
    echo "install: $name runs"
}

# Which libraries of ours a program needs where it runs.
needs() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(libpcrseal.*\)\]/\1/p'
}

# Places that no default covers, as a distribution's packager has them.
places=(PREFIX=/opt/pcrseal LIBDIR=/opt/pcrseal/lib/some-triple DESTDIR="$work/root")
make --silent install "${places[@]}"
prefix=$work/root/opt/pcrseal
library=$prefix/lib/some-triple
abi=$(sed -n 's/^#define PCRSEAL_ABI_VERSION //p' "$prefix/include/pcrseal.h")
soname=$(readelf -d "$library/libpcrseal.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[ "$soname" = "libpcrseal.so.$abi" ] || fail "the soname is '$soname', not libpcrseal.so.$abi"
for file in "$library/libpcrseal.so" "$library/libpcrseal.a"; do
    ! readelf -S --wide "$file" | grep -q '\.debug_info' || fail "$file has debugging information"
done

readelf -d "$library/libpcrseal.so" | grep -q 'FLAGS_1.*NODELETE' || fail "the library can be unloaded"
for place in PREFIX=relative PREFIX='/with a space' LIBDIR=lib64; do
    ! make --silent install "$place" DESTDIR="$work/elsewhere" 2>/dev/null || fail "make install takes $place"
    [ ! -e "$work/elsewhere" ] || fail "make install leaves something in spite of $place"
done

export PKG_CONFIG_PATH=$library/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/root
version=$(pkg-config --modversion pcrseal)
program=$root/ffi/tests/c/installed.c
strict=(-Wall -Wextra -Wpedantic -Werror)
read -ra flags <<<"$(pkg-config --cflags --libs pcrseal)"
read -ra static_flags <<<"$(pkg-config --static --cflags --libs pcrseal)"
cc -std=c99 "${strict[@]}" -o "$work/c" "$program" "${flags[@]}"
c++ -std=c++17 "${strict[@]}" -x c++ -o "$work/cpp" "$program" "${flags[@]}"
[ "$(needs "$work/c")" = "$soname" ] || fail "the program needs '$(needs "$work/c")', not $soname"
LD_LIBRARY_PATH=$library runs "C by pkg-config" "$work/c"
LD_LIBRARY_PATH=$library runs "C++ by pkg-config" "$work/cpp"
# What glibc says about name lookups in static programs is no fault of ours.
cc -std=c99 "${strict[@]}" -static -o "$work/static" "$program" "${static_flags[@]}" 2>"$work/warnings" || {
    cat "$work/warnings" >&2
    fail "no static program"
}
runs "a static program by pkg-config" "$work/static"
cc -std=c99 -D_POSIX_C_SOURCE=200809L "${strict[@]}" -pthread -o "$work/unloaded" "$root/ffi/tests/c/unloaded.c" \
    "-I$prefix/include" -ldl
runs "a program that unloads the library" "$work/unloaded" "$library/libpcrseal.so"

mkdir "$work/project"
cat >"$work/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(installed LANGUAGES C CXX)
set(CMAKE_C_STANDARD 99)
set(CMAKE_CXX_STANDARD 17)
find_package(pcrseal ${WANTED} REQUIRED CONFIG)
configure_file(${PROGRAM} installed.c COPYONLY)
configure_file(${PROGRAM} installed.cpp COPYONLY)
foreach(kind "" -static)
  add_executable(c${kind} ${CMAKE_BINARY_DIR}/installed.c)
  add_executable(cpp${kind} ${CMAKE_BINARY_DIR}/installed.cpp)
  target_link_libraries(c${kind} pcrseal::pcrseal${kind})
  target_link_libraries(cpp${kind} pcrseal::pcrseal${kind})
endforeach()
END
configure() {
    cmake -S "$work/project" -B "$1" -DPROGRAM="$program" -DCMAKE_PREFIX_PATH="$prefix" \
        -Dpcrseal_DIR="$library/cmake/pcrseal" -DWANTED="$2" >"$work/cmake.log" 2>&1
}
configure "$work/cmake" "$version" || {
    cat "$work/cmake.log" >&2
    fail "CMake does not find the package"
}
cmake --build "$work/cmake" >"$work/cmake.log" 2>&1 || {
    cat "$work/cmake.log" >&2
    fail "CMake does not build the programs"
}
for one in c cpp c-static cpp-static; do
    runs "$one by CMake" "$work/cmake/$one"
done
[ -z "$(needs "$work/cmake/c-static")" ] || fail "the static target needs the shared library"
! configure "$work/later" 99.0 || fail "CMake takes $version for 99.0"

make --silent uninstall "${places[@]}"
left=$(find "$work/root" ! -type d)
[ -z "$left" ] || fail "left behind: $left"
echo "install: nothing is left after make uninstall"
