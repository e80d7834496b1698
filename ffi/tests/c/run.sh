#!/usr/bin/env bash
# Runs a program against the emulator: ffi/tests/c/run.sh COMMAND [ARGUMENT…]
#
# Starts target/debug/pcrseal-emulator with an enclave and three keys, says in PCRSEAL_TEST_WORLD in which folder its
# session.json, root.pem and nsm (a socket) are, and stops it after the command.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)

PCRSEAL_TEST_WORLD=$(mktemp -d)
export PCRSEAL_TEST_WORLD
emulator=
trap '[ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true; rm -rf "$PCRSEAL_TEST_WORLD"' EXIT

"$root/target/debug/pcrseal-emulator" --listen 127.0.0.1:0 --nsm-socket "$PCRSEAL_TEST_WORLD/nsm" --keys 3 \
    --session-out "$PCRSEAL_TEST_WORLD/session.json" --root-out "$PCRSEAL_TEST_WORLD/root.pem" \
    >"$PCRSEAL_TEST_WORLD/log" 2>&1 &
emulator=$!
until [ -e "$PCRSEAL_TEST_WORLD/session.json" ]; do
    kill -0 "$emulator" 2>/dev/null || {
        cat "$PCRSEAL_TEST_WORLD/log" >&2
        exit 1
    }
    sleep 0.05
done
"$@"
