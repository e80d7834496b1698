#!/usr/bin/env bash
# Builds what the tests in a guest need, into a cache outside the checkout: Debian's kernel with its driver of the
# Nitro Secure Module, a QEMU that has the machine `nitro-enclave`, eif_build, and the vsock backend. Prints where they
# are, one shell assignment a line:
#
#   tools=$(scripts/nitro-guest-tools.sh) && eval "$tools"
#   scripts/nitro-guest-tools.sh --warm      # exits with 0 where all is there already, with 1 otherwise
#
#   QEMU                 qemu-system-x86_64, for `-L "$QEMU_FIRMWARE"`
#   QEMU_FIRMWARE        folder: what it boots with
#   KERNEL               the kernel's bzImage; its .config is beside it, as `config`
#   KERNEL_MODULES       folder: the modules that a guest needs, named in the order in which they load
#   EIF_BUILD            makes enclave images
#   VHOST_DEVICE_VSOCK   the host's side of a guest's vsock
#   GUEST_CACHE          folder: what a caller may keep with them, such as a target folder of cargo's
#
# Four to five minutes from nothing on two cores, 100 MB downloaded, 26 MB kept; a tenth of a second after that. The
# cache is ${PCRSEAL_GUEST_CACHE:-${XDG_CACHE_HOME:-~/.cache}/pcrseal/nitro-guest}/KEY. The key names every version and
# the recipe: a change of one is another folder, and the old one can be deleted. Whatever is in the cache is whole:
# parts are built beside it and moved. Several runs at once wait for each other.
#
# Needs Debian 12 or 13 on x86_64, cargo, the network (the machine's own Debian mirrors, crates.io, PyPI), and root or
# sudo where packages are missing. Without one of those it says so and exits with 77. /etc/apt stays as it is.
set -euo pipefail

# QEMU's source and the kernel come from Debian 13 on either Debian: one recipe, one result. Point releases within
# these series are taken as they come; `versions` in the cache says which they were.
SUITE=trixie
QEMU_SERIES=10.0
KERNEL_SERIES=6.12
EIF_BUILD_VERSION=0.2.1
VHOST_VSOCK_VERSION=0.3.0
# QEMU's configure wants these two, and Debian's tarball is without the copies that QEMU ships.
MESON_VERSION=1.5.0
PYCOTAP_VERSION=1.3.1

# To build with, and to make images with; all of them may be there already.
PACKAGES=(
    gcc libc6-dev pkg-config ninja-build python3-venv bzip2 xz-utils cpio openssl
    libglib2.0-dev libfdt-dev libcbor-dev libgnutls28-dev zlib1g-dev libssl-dev
)
# In the order in which a guest loads them; what they depend on is built into the kernel.
MODULES=(
    drivers/virtio/virtio_mmio
    net/vmw_vsock/vsock net/vmw_vsock/vmw_vsock_virtio_transport_common
    net/vmw_vsock/vmw_vsock_virtio_transport drivers/misc/nsm
)

say() {
    printf 'nitro-guest-tools: %s\n' "$*" >&2
}

# This machine lacks something: no fault of the project's.
cannot() {
    say "cannot run here: $*"
    exit 77
}

fail() {
    say "FAILED: $*"
    exit 1
}

# --- the parts: each fills the empty folder $1, with $work to build in -------------------------------------------

part_kernel() {
    local package
    # The package without a version in its name depends on the newest one.
    package=$(apt_cache show --no-all-versions linux-image-cloud-amd64 |
        grep -oE "linux-image-$KERNEL_SERIES\.[0-9.]+\+deb[0-9]+(\.[0-9]+)?-cloud-amd64" | head -n 1) ||
        fail "$SUITE has no linux-image-cloud-amd64 of $KERNEL_SERIES"
    fetch "$package"
    dpkg-deb -x "$work"/linux-image-*.deb "$work/tree"
    cp "$work"/tree/boot/vmlinuz-* "$1/kernel"
    cp "$work"/tree/boot/config-* "$1/config"
    mkdir "$1/modules"
    local module position=10 all
    all=$(echo "$work"/tree/usr/lib/modules/*/kernel "$work"/tree/lib/modules/*/kernel | tr ' ' '\n' | grep -v '\*')
    for module in "${MODULES[@]}"; do
        cp "$all/$module.ko.xz" "$1/modules/$position-$(basename "$module").ko.xz"
        position=$((position + 1))
    done
    version "$package"
}

part_firmware() {
    fetch qemu-system-data seabios
    local package
    for package in "$work"/*.deb; do
        dpkg-deb -x "$package" "$work/tree"
        version "$(basename "$package" .deb)"
    done
    cp "$work"/tree/usr/share/qemu/{qboot.rom,linuxboot_dma.bin,kvmvapic.bin} \
        "$work"/tree/usr/share/seabios/{bios-256k.bin,bios-microvm.bin} "$1"
}

part_qemu() {
    cd "$work"
    apt_get source -qq --download-only qemu
    local source
    source=$(basename qemu_*.dsc .dsc)
    case ${source#qemu_} in
    "$QEMU_SERIES".*) ;;
    *) fail "$SUITE has $source: the edits below are for QEMU $QEMU_SERIES, see what they became" ;;
    esac
    mkdir tree build
    tar xf qemu_*.orig.tar.xz --strip-components=1 -C tree
    python3 -m venv venv
    venv/bin/pip -q --disable-pip-version-check --retries 1 install \
        "meson==$MESON_VERSION" "pycotap==$PYCOTAP_VERSION" || cannot "pip cannot install meson, as it says above"

    # Debian's tarball is without the EDK2 firmware.
    edit tree/meson.build '    unpack_edk2_blobs = bzip2.found()' '    unpack_edk2_blobs = false'
    # The generic vhost-user device is otherwise not to be had from the command line: it is our signing NSM's.
    local file
    for file in tree/hw/virtio/vhost-user-device{,-pci}.c; do
        edit "$file" '    dc->user_creatable = false;' '    dc->user_creatable = true;'
    done

    printf '%s\n' CONFIG_PCI_DEVICES=n CONFIG_NITRO_ENCLAVE=y CONFIG_Q35=y CONFIG_VIRTIO_PCI=y \
        >tree/configs/devices/x86_64-softmmu/pcrseal.mak
    cd build
    ../tree/configure --python="$work/venv/bin/python3" --target-list=x86_64-softmmu \
        --without-default-features --without-default-devices --with-devices-x86_64=pcrseal \
        --enable-system --enable-tcg --enable-libcbor --enable-gnutls --enable-fdt=system --enable-vhost-user \
        --disable-docs --disable-tools --disable-guest-agent --disable-install-blobs --disable-werror \
        --disable-debug-info
    ninja -j "$jobs" qemu-system-x86_64
    strip -o "$1/qemu-system-x86_64" qemu-system-x86_64
    version "$source"
}

part_eif_build() {
    crate "$1" eif_build "$EIF_BUILD_VERSION"
}

part_vhost_vsock() {
    crate "$1" vhost-device-vsock "$VHOST_VSOCK_VERSION"
}

crate() {
    CARGO_TARGET_DIR=$work/target CARGO_BUILD_JOBS=$jobs \
        cargo install --locked --no-track --root "$1" "$2" --version "$3"
    version "$2 $3"
}

# Replaces the one line OLD of a file by NEW: edit FILE OLD NEW
edit() {
    local found
    found=$(grep -cxF -- "$2" "$1") || true
    if [ "$found" -ne 1 ]; then
        fail "QEMU's ${1#tree/} has the line '$2' $found times, not once: the edit no longer applies"
    fi
    sed -i "s|^$2\$|$3|" "$1"
}

PARTS=(kernel firmware qemu eif_build vhost_vsock)

# --- apt, with lists of its own ----------------------------------------------------------------------------------

apt_options=()

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get "${apt_options[@]}" "$@"
}

apt_cache() {
    apt-cache "${apt_options[@]}" "$@"
}

# Downloads packages of $SUITE into $work, without their dependencies: nothing of them is installed.
fetch() {
    (cd "$work" && apt_get download -qq "$@")
}

# Leaves apt_options for the packages of one suite: apt_of FOLDER SUITE
apt_of() {
    local keyring mirror security suite=$2
    for keyring in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
        [ ! -e "$keyring" ] || break
    done
    # The mirrors that this machine uses already; --print-uris asks nobody.
    mirror=$(apt-get update --print-uris | sed -n "s|^'\(.*\)/dists/$codename/.*|\1|p" | head -n 1)
    security=$(apt-get update --print-uris | sed -n "s|^'\(.*\)/dists/$codename-security/.*|\1|p" | head -n 1)
    [ -n "$mirror" ] || cannot "apt has no mirror of Debian's $codename"
    mkdir -p "$1"/{lists,archives}/partial
    {
        printf 'Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
            "$mirror" "$suite $suite-updates" "$keyring"
        [ -z "$security" ] || printf '\nTypes: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
            "$security" "$suite-security" "$keyring"
    } >"$1/list.sources"
    apt_options=(-o "Dir::Etc::sourcelist=$1/list.sources" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$1/lists" -o "Dir::Cache::archives=$1/archives"
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User= -o DPkg::Lock::Timeout=600
        -o Acquire::Retries=2 -o APT::Update::Error-Mode=any -o Acquire::Languages=none)
    apt_get update -qq >&2 || cannot "apt cannot read the lists of $suite, as it says above"
}

# Installs what is missing of PACKAGES, from the suite of this machine.
packages() {
    local name missing=()
    for name in "${PACKAGES[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || cannot "neither root nor sudo without a password, to install: ${missing[*]}"
        root=(sudo -n DEBIAN_FRONTEND=noninteractive)
    fi
    say "installing ${missing[*]}"
    apt_of "$building/apt-$codename" "$codename"
    ${root[@]+"${root[@]}"} apt-get "${apt_options[@]}" install -y -qq --no-install-recommends "${missing[@]}" \
        >"$logs/packages.log" 2>&1 || show_log packages
}

# --- the cache ---------------------------------------------------------------------------------------------------

version() {
    printf '%s\n' "$*" >>"$versions"
}

show_log() {
    tail -n 30 "$logs/$1.log" >&2
    fail "$1; all of it is in $logs/$1.log"
}

# Whether a part is there, and runs: its libraries may be missing, or be another Debian's, where the cache came from
# another machine, or the machine was upgraded.
works() {
    [ -d "$cache/$1" ] || return 1
    case $1 in
    qemu) "$cache/qemu/qemu-system-x86_64" -M help 2>/dev/null | grep '^nitro-enclave ' >/dev/null ;;
    eif_build) "$cache/eif_build/bin/eif_build" --help >/dev/null 2>&1 ;;
    vhost_vsock) "$cache/vhost_vsock/bin/vhost-device-vsock" --version >/dev/null 2>&1 ;;
    esac
}

is_whole() {
    local part
    for part in "${PARTS[@]}"; do
        works "$part" || return 1
    done
}

make_part() {
    local part=$1 start=$SECONDS status=0
    if works "$part"; then return; fi
    rm -rf "${cache:?}/$part"
    work=$building/$part versions=$building/versions-$part
    mkdir -p "$work" "$building/whole-$part"
    # set -e does not hold in a function that is called in a condition; in a shell of its own it does.
    set +e
    (
        set -e
        "part_$part" "$building/whole-$part"
    ) >"$logs/$part.log" 2>&1
    status=$?
    set -e
    [ "$status" -ne 77 ] || cannot "$part: $(tail -n 1 "$logs/$part.log")"
    [ "$status" -eq 0 ] || show_log "$part"
    cat "$versions" >>"$cache/versions"
    mv "$building/whole-$part" "$cache/$part"
    rm -rf "$work"
    say "$part: $((SECONDS - start)) s, $(du -sh "$cache/$part" | cut -f 1), $(paste -sd , "$versions")"
}

make_all() {
    rm -rf "$building"
    mkdir -p "$building" "$logs"
    say "making ready; four minutes from nothing on two free cores (logs: $logs)"
    packages
    apt_of "$building/apt-$SUITE" "$SUITE"
    local part
    for part in "${PARTS[@]}"; do
        make_part "$part"
    done
    rm -rf "$building"
    for part in "${PARTS[@]}"; do
        works "$part" || fail "$part was built and does not run, or this QEMU has no machine nitro-enclave: $cache/$part"
    done
    say "ready in $SECONDS s, $(du -sh "$cache" | cut -f 1) in $cache"
}

[ "$(uname -sm)" = "Linux x86_64" ] || cannot "this is $(uname -sm), and the guests are for Linux on x86_64"
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null || true)
case $codename in
bookworm | trixie) ;;
*) cannot "Debian 12 or 13 is needed, this is '$codename'" ;;
esac
command -v cargo >/dev/null || cannot "no cargo"
jobs=$(nproc)

recipe=$({
    declare -f "${PARTS[@]/#/part_}" crate edit fetch
    printf '%s\n' "$SUITE" "${MODULES[@]}" "$PYCOTAP_VERSION"
} | sha256sum | cut -c 1-12)
key=qemu$QEMU_SERIES-linux$KERNEL_SERIES-eif$EIF_BUILD_VERSION-vsock$VHOST_VSOCK_VERSION-meson$MESON_VERSION-$recipe
[ -n "${PCRSEAL_GUEST_CACHE:-}${XDG_CACHE_HOME:-}${HOME:-}" ] || cannot "no HOME, and no PCRSEAL_GUEST_CACHE instead"
cache=${PCRSEAL_GUEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pcrseal/nitro-guest}/$key
building=$cache/building
logs=$cache/logs

case ${1:-} in
'') ;;
--warm)
    is_whole
    exit
    ;;
*)
    echo "usage: nitro-guest-tools.sh [--warm]" >&2
    exit 2
    ;;
esac

if ! is_whole; then
    { mkdir -p "$cache" && [ -w "$cache" ]; } || cannot "no right to write to $cache"
    exec 9>"$cache/lock"
    flock -n 9 || {
        say "another run is building; waiting for it"
        flock 9
    }
    # What is started there does not hold the lock: a server that a compiler's wrapper leaves behind would for ever.
    is_whole || make_all 9>&-
    exec 9>&-
fi
printf '%s=%q\n' \
    QEMU "$cache/qemu/qemu-system-x86_64" \
    QEMU_FIRMWARE "$cache/firmware" \
    KERNEL "$cache/kernel/kernel" \
    KERNEL_MODULES "$cache/kernel/modules" \
    EIF_BUILD "$cache/eif_build/bin/eif_build" \
    VHOST_DEVICE_VSOCK "$cache/vhost_vsock/bin/vhost-device-vsock" \
    GUEST_CACHE "$cache"
