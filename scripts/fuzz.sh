#!/usr/bin/env bash
# Fuzzes portproof's readers of hostile input, on stable Rust and without cargo-fuzz.
#
#   scripts/fuzz.sh [--seconds N] [--target T]... [--jobs J]
#
#   --seconds N   processor time of each target (default: 60; for a long run: 1800)
#   --target T    only this one, a file of fuzz/fuzz_targets/ (may be given several times; default: all)
#   --jobs J      targets that run at once (default: as many as there are processors)
#
# Builds fuzz/ with the coverage instrumentation that libFuzzer needs and with all checks (overflow, debug assertions), makes
# the first inputs from fuzz/seeds/, captures/, the documents, and $PORTPROOF_SHARED/corpus (default: ../shared) where that
# is there. What a run finds stays in fuzz/corpus/ and makes the next one start from it; crashes are kept in fuzz/artifacts/.
# To see one again, or to make it smaller:
#
#   fuzz/target/TRIPLE/release/TARGET fuzz/artifacts/TARGET/crash-...
#   fuzz/target/TRIPLE/release/TARGET -minimize_crash=1 -max_total_time=60 fuzz/artifacts/TARGET/crash-...
#
# Exit codes: 0 nothing found; 1 a crash, a hang or too much memory; 2 usage, or could not build; 77 no C++ compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=60
jobs=$(nproc 2>/dev/null || echo 2)
targets=()

usage() {
    sed -n '4,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || usage
    case $1 in
        --seconds) seconds=$2 ;;
        --target) targets+=("$2") ;;
        --jobs) jobs=$2 ;;
        *) usage ;;
    esac
    shift 2
done
[[ $seconds =~ ^[1-9][0-9]*$ && $jobs =~ ^[1-9][0-9]*$ ]] || usage
if [ ${#targets[@]} -eq 0 ]; then
    for file in fuzz/fuzz_targets/*.rs; do
        targets+=("$(basename "$file" .rs)")
    done
fi
for target in "${targets[@]}"; do
    [ -f "fuzz/fuzz_targets/$target.rs" ] || { echo "fuzz: no fuzz/fuzz_targets/$target.rs" >&2; exit 2; }
done

# Longest input in bytes: what shows everything that the target knows, and is still read in well under a millisecond.
longest() {
    case $1 in
        decode) echo 1024 ;;
        metering | recognisers | followers) echo 4096 ;;
        *) echo 16384 ;;
    esac
}

# --- Build -----------------------------------------------------------------------------------------------------------

# libFuzzer is C++.
if ! command -v "${CXX:-c++}" >/dev/null; then
    echo "fuzz: no C++ compiler (${CXX:-c++}); on Debian: scripts/apt-install.sh g++" >&2
    exit 77
fi

# The flags of `cargo fuzz build --sanitizer none`: all are stable. They are for the target's crates and not for build
# scripts, and so a target is named even though it is this machine.
triple=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0"
export RUSTFLAGS
export CARGO_TARGET_DIR=$PWD/fuzz/target
cargo build --locked --manifest-path fuzz/Cargo.toml --release --target "$triple" --bins --examples || exit 2
built=$CARGO_TARGET_DIR/$triple/release

# --- First inputs ----------------------------------------------------------------------------------------------------

seeds=$CARGO_TARGET_DIR/seeds
rm -rf "$seeds"
sources=(fuzz/seeds captures src/catalog/documents docs)
shared=${PORTPROOF_SHARED:-../shared}
[ ! -d "$shared/corpus" ] || sources+=("$shared/corpus")
"$built/examples/seeds" "$seeds" "${sources[@]}"

# --- Run -------------------------------------------------------------------------------------------------------------

# Processor time of a process, in seconds: fields 14 and 15 of its stat, in ticks.
processor_seconds() {
    local fields
    fields=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 1
    # shellcheck disable=SC2086 # the fields are words
    set -- $fields
    echo $(((${12} + ${13}) / $(getconf CLK_TCK)))
}

# Runs one target until it has had its time, and asks it to end then (SIGUSR1: libFuzzer finishes and prints its figures).
# The wall clock only guards against one that sleeps.
run() {
    local target=$1 log=fuzz/logs/$1.txt process used code=0
    local words=()
    [ ! -f "fuzz/$target.dict" ] || words=("-dict=fuzz/$target.dict")
    mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target" "$seeds/$target"
    # -timeout is wall time, and other jobs may share the processors.
    "$built/$target" "fuzz/corpus/$target" "$seeds/$target" -max_len="$(longest "$target")" -rss_limit_mb=2048 \
        -timeout=10 -print_final_stats=1 -artifact_prefix="fuzz/artifacts/$target/" \
        -max_total_time=$((seconds * 10 + 60)) "${words[@]}" </dev/null >"$log" 2>&1 &
    process=$!
    while kill -0 $process 2>/dev/null; do
        used=$(processor_seconds $process) || break
        if [ "$used" -ge "$seconds" ]; then
            kill -USR1 $process 2>/dev/null || true
            break
        fi
        sleep 0.5
    done
    wait $process || code=$?
    echo $code >"fuzz/logs/$target.code"
}

mkdir -p fuzz/logs
running=0
for target in "${targets[@]}"; do
    if [ $running -ge "$jobs" ]; then
        wait -n
        running=$((running - 1))
    fi
    run "$target" &
    running=$((running + 1))
done
wait

# --- Report ----------------------------------------------------------------------------------------------------------

figure() { sed -n "s/^stat::$2: *//p" "fuzz/logs/$1.txt" | tail -n 1; }

printf '\n%-14s %12s %8s %9s %8s %8s %9s %s\n' target executions per-s coverage inputs peak-MB crashes exit
failed=0
for target in "${targets[@]}"; do
    code=$(cat "fuzz/logs/$target.code")
    coverage=$(grep -o 'cov: [0-9]*' "fuzz/logs/$target.txt" | tail -n 1 | cut -d ' ' -f 2 || true)
    inputs=$(find "fuzz/corpus/$target" -type f | wc -l)
    crashes=$(find "fuzz/artifacts/$target" -type f | wc -l)
    printf '%-14s %12s %8s %9s %8s %8s %9s %s\n' "$target" "$(figure "$target" number_of_executed_units)" \
        "$(figure "$target" average_exec_per_sec)" "${coverage:-?}" "$inputs" "$(figure "$target" peak_rss_mb)" "$crashes" "$code"
    [ "$code" -eq 0 ] || failed=1
done
for target in "${targets[@]}"; do
    [ "$(cat "fuzz/logs/$target.code")" -ne 0 ] || continue
    echo
    echo "== $target: from fuzz/logs/$target.txt"
    grep -A 4 -e panicked -e ERROR "fuzz/logs/$target.txt" | cut -c 1-400 | head -n 20 || true
    grep 'artifact_prefix' "fuzz/logs/$target.txt" | cut -d ';' -f 2 | cut -c 1-400 || true
done
exit $failed
