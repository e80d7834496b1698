#!/usr/bin/env bash
# Builds the enclave program of examples/enclave: one static file, the same from every checkout of one commit.
#
#   scripts/build-enclave.sh                         the program: OUT/pcrseal-enclave
#   scripts/build-enclave.sh --eif                   and an image with it as /init: OUT/enclave.eif, whose measurements
#                                                    are printed and kept in OUT/measurements.json
#   scripts/build-enclave.sh --check-reproducible    all of it twice, from two checkouts of HEAD in two folders, and
#                                                    compares the programs and the PCRs
#
#   --out DIR                    where to put it (default: target/enclave)
#   --trust FILE                 what the image trusts (default: examples/enclave/trust.json, an example)
#   --kernel FILE, --modules DIR, --cmdline TEXT
#                                another kernel than the tests', the modules to load in the order of their names, and
#                                its command line
#   --signing-key FILE --signing-certificate FILE
#                                signs the image (P-384, PEM), which makes PCR8
#
# Two minutes from nothing on two free cores. Needs Linux, cargo and a C compiler; --eif needs cpio besides, and takes
# kernel and eif_build from scripts/nitro-guest-tools.sh, which says what it needs (EIF_BUILD=FILE is another way to
# name eif_build). Exits with 77 where something is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
cargo_home=${CARGO_HOME:-$HOME/.cargo}

# Every build sees its sources at this path. Cargo makes the path of a crate outside of the workspace part of its
# identity, and rustc makes that part of names and of type ids: no --remap-path-prefix undoes it.
STAGE=/tmp/pcrseal-enclave-build
# What the image says of itself beside its measurements: nothing of it is measured, and nothing tells when it was made.
IMAGE_NAME=pcrseal-enclave
BUILD_TIME=1970-01-01T00:00:00+00:00

say() {
    printf 'build-enclave: %s\n' "$*" >&2
}

fail() {
    say "FAILED: $*"
    exit 1
}

cannot() {
    say "cannot run here: $*"
    exit 77
}

# --- the program -------------------------------------------------------------------------------------------------

# Runs a command while $STAGE holds a checkout's sources: staged CHECKOUT COMMAND…. Builds of one user wait for each
# other; while another user builds, the folder is theirs.
staged() {
    local checkout=$1 lock
    lock=$STAGE.$(id -u).lock
    shift
    (
        # A folder, because making one follows no link and opens no pipe. Somebody else's lock is not waited for: it may
        # be held for ever. What is ours nobody else can replace in /tmp.
        mkdir -m 700 "$lock" 2>/dev/null || true
        if [ -L "$lock" ] || [ ! -O "$lock" ]; then
            cannot "$lock belongs to somebody else"
        fi
        exec 9<"$lock"
        flock 9
        # Left by a build that was killed, or somebody else's; a folder that can be made is ours.
        rm -rf "$STAGE" 2>/dev/null || true
        mkdir -m 700 "$STAGE" 2>/dev/null || cannot "$STAGE belongs to somebody else"
        trap 'rm -rf "$STAGE"' EXIT
        # A copy, not a link: where a link leads would be in the program. -m gives every file the time of now: by older
        # times cargo would take another checkout's program for this one's.
        tar -C "$checkout" --exclude=.git --exclude=target --exclude=./fuzz -cf - . | tar -C "$STAGE" -mxf -
        "$@" 9>&-
    )
}

# The triple that this machine's programs have.
host() {
    rustc -vV | sed -n 's/^host: //p'
}

# Compiles what $STAGE holds: compile TARGET_FOLDER
compile() {
    local folder=$1 manifest=$STAGE/examples/enclave/Cargo.toml target flags cflags sources separated
    target=$(host)
    # The C compiler's flags are separated by spaces.
    case $folder$cargo_home in
    *' '*) cannot "a path has a space in it: $folder or $cargo_home" ;;
    esac
    # The whole C library in the file, which then is loaded where it was linked to, and by the kernel alone.
    flags=(-C target-feature=+crt-static -C relocation-model=static)
    flags+=("--remap-path-prefix=$folder=/target")
    # The same for AWS-LC's C and assembly, which name their files in errors.
    cflags="-ffile-prefix-map=$folder=/target"
    # The name of this folder tells which registry, or which mirror of it, the sources came from. It has to be there
    # before its name can be mapped. A lock file that does not fit is an error: versions are measured too.
    cargo fetch --quiet --locked --target "$target" --manifest-path "$manifest"
    for sources in "$cargo_home"/registry/src/*; do
        flags+=("--remap-path-prefix=$sources=/registry")
        cflags+=" -ffile-prefix-map=$sources=/registry"
    done
    flags+=("--remap-path-prefix=$STAGE=/pcrseal")
    separated=$(printf '%s\x1f' "${flags[@]}")
    CARGO_TARGET_DIR=$folder CARGO_ENCODED_RUSTFLAGS=${separated%$'\x1f'} CARGO_INCREMENTAL=0 CFLAGS=$cflags \
        cargo build --quiet --locked --release --bin pcrseal-enclave --target "$target" --manifest-path "$manifest"
}

# build CHECKOUT TARGET_FOLDER PROGRAM
build() {
    local start=$SECONDS
    staged "$1" compile "$2"
    install -D -m 755 "$2/$(host)/release/pcrseal-enclave" "$3"
    say "$3: $(stat -c %s "$3") bytes, $((SECONDS - start)) s"
}

# What the image relies on: the program needs nothing but the kernel.
check() {
    local program=$1 text
    text=$(readelf --wide --program-headers --dynamic "$program")
    if grep -qE 'INTERP|DYNAMIC|NEEDED' <<<"$text"; then
        fail "$program is not static: $(grep -E 'INTERP|NEEDED' <<<"$text" | tr -s ' ' | paste -sd ,)"
    fi
    # Never a checkout at /pcrseal: that is also what the program is made to say, and a part of its trust.json's path.
    text=$(strings -n 6 "$program" | grep -F -e "$root/" -e "$HOME/" -e "$cargo_home/" -e "$STAGE" -e /etc/ssl \
        -e ca-certificates | head -n 3) || true
    [ -z "$text" ] || fail "$program holds a path of this machine, or of a CA bundle: $text"

    # An empty root: no library, no /dev, no /etc.
    local empty status=0 change_root=(chroot)
    [ "$(id -u)" -eq 0 ] || change_root=(unshare --map-root-user chroot)
    empty=$(mktemp -d)
    cp "$program" "$empty/program"
    if ! "${change_root[@]}" / true 2>/dev/null; then
        say "not run in an empty root: no right to chroot"
    else
        text=$("${change_root[@]}" "$empty" /program --version) || fail "$program does not run in an empty root"
        say "$text runs in an empty root"
        text=$("${change_root[@]}" "$empty" /program 2>&1) || status=$?
        [ "$status" -eq 1 ] && grep -q 'failed: trust (2): /etc/pcrseal/trust.json' <<<"$text" ||
            fail "in an empty root it was expected to miss its trust.json and exit with 1; found $status: $text"
    fi
    rm -r "$empty"
    say "from start to its version: $(fastest "$program" --version) us; to nothing, /bin/true: $(fastest /bin/true) us"
}

# How many microseconds the fastest of fifty runs takes: fastest COMMAND…
fastest() {
    local start took best='' times=50
    while [ "$times" -gt 0 ]; do
        start=${EPOCHREALTIME/[.,]/}
        "$@" >/dev/null
        took=$((${EPOCHREALTIME/[.,]/} - start)) times=$((times - 1))
        if [ -z "$best" ] || [ "$took" -lt "$best" ]; then
            best=$took
        fi
    done
    echo "$best"
}

# --- the image ---------------------------------------------------------------------------------------------------

# Packs a folder so that the same content makes the same bytes, uncompressed: compressors differ, and a guest without
# KVM is long in decompressing. pack FOLDER RAMDISK
pack() {
    find "$1" -exec touch -h -d @0 {} +
    (cd "$1" && find . -mindepth 1 | LC_ALL=C sort | cpio --quiet --reproducible -R 0:0 -o -H newc) >"$2"
}

# eif PROGRAM FOLDER: leaves enclave.eif and measurements.json there
eif() {
    local program=$1 folder=$2 work module options=()
    "$program" check "$trust" >/dev/null || fail "$trust is not what the program can trust, as it says above"
    work=$(mktemp -d)
    # Kernel and modules are PCR1; program and trust are PCR2; all of it is PCR0.
    install -d -m 755 "$work/boot" "$work/boot/"{dev,proc,sys,modules} "$work/app" "$work/app/etc" "$work/app/etc/pcrseal"
    # On a machine without a console the kernel starts /init without standard streams. Rust's runtime then opens
    # /dev/null before the program has a say, or aborts. devtmpfs covers this file later.
    install -m 666 /dev/null "$work/boot/dev/null"
    for module in "$modules"/*; do
        install -m 644 "$module" "$work/boot/modules/"
    done
    install -m 755 "$program" "$work/app/init"
    install -m 644 "$trust" "$work/app/etc/pcrseal/trust.json"
    pack "$work/boot" "$work/boot.cpio"
    pack "$work/app" "$work/app.cpio"
    if [ -n "$signing_key" ]; then
        options=(--private-key "$signing_key" --signing-certificate "$signing_certificate")
    fi
    # The first line that it prints is no JSON.
    "$EIF_BUILD" --kernel "$kernel" --cmdline "$cmdline" --ramdisk "$work/boot.cpio" --ramdisk "$work/app.cpio" \
        --name "$IMAGE_NAME" --version 0 --build-time "$BUILD_TIME" ${options[@]+"${options[@]}"} \
        --output "$folder/enclave.eif" >"$work/printed"
    { printf '{ "Measurements": '; sed 1d "$work/printed"; printf '}\n'; } >"$folder/measurements.json"
    rm -r "$work"
    say "$folder/enclave.eif: $(stat -c %s "$folder/enclave.eif") bytes"
}

# --- twice -------------------------------------------------------------------------------------------------------

twice() {
    local work side
    [ -z "$(git status --porcelain)" ] || say "what is not committed is not built: HEAD is"
    work=$(mktemp -d)
    say "works in $work, which is kept when something fails"
    # Folders of different depths: nothing of them may be in what is built.
    for side in "$work/one" "$work/another/one/further/down"; do
        git clone --quiet --no-local "$root" "$side"
        git -C "$side" checkout --quiet --detach "$(git rev-parse HEAD)"
        build "$side" "$side/target-$(basename "$side")" "$side/out/pcrseal-enclave"
        eif "$side/out/pcrseal-enclave" "$side/out"
    done
    cmp "$work/one/out/pcrseal-enclave" "$side/out/pcrseal-enclave" || fail "the programs differ"
    diff "$work/one/out/measurements.json" "$side/out/measurements.json" >&2 || fail "the measurements differ"
    if [ -z "$signing_key" ]; then
        cmp "$work/one/out/enclave.eif" "$side/out/enclave.eif" || fail "the images differ"
    fi
    sha256sum "$side/out/pcrseal-enclave" | sed 's| .*|  pcrseal-enclave|'
    cat "$side/out/measurements.json"
    rm -rf "$work"
    say "reproducible: two checkouts in two folders gave the same program and the same PCRs"
}

# --- what to do --------------------------------------------------------------------------------------------------

out=$root/target/enclave trust=$root/examples/enclave/trust.json kernel='' modules='' signing_key='' signing_certificate=''
cmdline='console=ttyS0 reboot=t panic=-1 quiet loglevel=4'
want_eif='' want_twice=''
while [ $# -gt 0 ]; do
    case $1 in
    --eif) want_eif=1 ;;
    --check-reproducible) want_eif=1 want_twice=1 ;;
    --out | --trust | --kernel | --modules | --cmdline | --signing-key | --signing-certificate)
        [ $# -ge 2 ] || fail "$1 needs a value"
        case $1 in
        --out)
            mkdir -p "$2"
            out=$(cd "$2" && pwd)
            ;;
        --cmdline) cmdline=$2 ;;
        *)
            [ -e "$2" ] || fail "$1: there is no $2"
            name=${1#--}
            declare "${name//-/_}=$(realpath "$2")"
            ;;
        esac
        shift
        ;;
    *) fail "unknown option $1; the head of this script explains them" ;;
    esac
    shift
done
if [ -n "$signing_key$signing_certificate" ] && { [ -z "$signing_key" ] || [ -z "$signing_certificate" ]; }; then
    fail "--signing-key and --signing-certificate go together"
fi
if [ -n "$kernel$modules" ] && { [ -z "$kernel" ] || [ -z "$modules" ]; }; then
    fail "--kernel and --modules go together"
fi
for tool in cargo rustc cc readelf strings flock tar; do
    command -v "$tool" >/dev/null || cannot "no $tool"
done
if [ -n "$want_eif" ]; then
    command -v cpio >/dev/null || cannot "no cpio"
    if [ -z "$kernel" ] || [ -z "${EIF_BUILD:-}" ]; then
        tools=$(scripts/nitro-guest-tools.sh)
        given_kernel=$kernel given_modules=$modules
        eval "$tools"
        kernel=${given_kernel:-$KERNEL} modules=${given_modules:-$KERNEL_MODULES}
    fi
fi

if [ -n "$want_twice" ]; then
    twice
    exit
fi
build "$root" "${PCRSEAL_ENCLAVE_TARGET:-$root/target/enclave-build}" "$out/pcrseal-enclave"
check "$out/pcrseal-enclave"
if [ -n "$want_eif" ]; then
    eif "$out/pcrseal-enclave" "$out"
    cat "$out/measurements.json"
fi
