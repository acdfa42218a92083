#!/usr/bin/env bash
# Looks for inputs that break the parser's invariants, for a bounded time: FUZZ_SECONDS (60). Starts from the committed
# corpus; what it learns stays in fuzz/corpus, outside Git. What it finds is made small and shown.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
CARGO_FUZZ=0.13.2
seconds=${FUZZ_SECONDS:-60}
target=$(realpath -m "${CARGO_TARGET_DIR:-../../target}")
tools=$target/tools
export PATH=$tools/bin:$PATH CARGO_TARGET_DIR=$target/fuzz

# libFuzzer is C++.
if ! command -v c++ >/dev/null; then
    sudo=$([[ $EUID -eq 0 ]] || echo sudo)
    echo "==> installing g++"
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install --yes --quiet --no-install-recommends g++ </dev/null
fi
if [[ $(cargo fuzz --version 2>/dev/null) != "cargo-fuzz $CARGO_FUZZ" ]]; then
    echo "==> installing cargo-fuzz $CARGO_FUZZ"
    CARGO_TARGET_DIR=$target/tools-build cargo install --quiet --locked --root "$tools" "cargo-fuzz@$CARGO_FUZZ"
fi

mkdir -p fuzz/corpus/invariants
# No sanitizer: there is no unsafe code to watch over, and without one the stable compiler will do.
cargo fuzz run --sanitizer none invariants fuzz/corpus/invariants tests/corpus -- \
    -max_total_time="$seconds" -max_len=2048 -timeout=10 -rss_limit_mb=2048 -dict=fuzz/dictionary -print_final_stats=1 && exit

found=$(find fuzz/artifacts/invariants -type f -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2-)
[[ -n $found ]] || exit 1
cargo fuzz tmin --sanitizer none invariants "$found" -- -max_total_time=20 >/dev/null 2>&1 || true
smallest=$(find fuzz/artifacts/invariants -type f -printf '%s %p\n' | sort -n | head -1 | cut -d' ' -f2-)
printf '\nFound: %s\n' "$smallest"
xxd "$smallest" | head -20
echo "Mend the code, then keep the input: cp $smallest crates/postback-parser/tests/corpus/<what it is>"
exit 1
