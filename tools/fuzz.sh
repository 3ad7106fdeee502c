#!/usr/bin/env bash
# fuzz.sh [SECONDS] [TARGET...]: installs what is missing, builds the fuzzers with clang and runs each of them, or those
# named, for so long (60 seconds by default), as many at once as there are processors, from the corpus in tests/fuzz/corpus and what earlier runs have added to it
# in build/asan/fuzz/corpus. Ends with what was found, and how to see it again. FUZZ_SEED=N makes two runs alike.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
seconds=${1:-60}
targets=("${@:2}")
[[ $seconds =~ ^[0-9]+$ ]] || fail "fuzz.sh [SECONDS] [TARGET...]: '$seconds' is no number of seconds"
[[ ${#targets[@]} -gt 0 ]] || mapfile -t targets < <(ls tests/fuzz/corpus)
for target in "${targets[@]}"; do
  [[ -d tests/fuzz/corpus/$target ]] || fail "no target '$target'; there are" $(ls tests/fuzz/corpus)
done

install_packages $(listed_packages) clang libclang-rt-dev
build asan "${targets[@]/#/fuzz_}"

# Weighing each input by how rare what it reaches is takes most of the time where much is reached, hence -entropic=0.
# A finding ends a target's run; the others go on. Memory that OpenBLAS or Graphviz keep is no leak of ours.
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
# fuzz TARGET: writes what came of it to its log, and what was found to a file beside that.
fuzz() {
  local target=$1 corpus=build/asan/fuzz/corpus/$1 findings=build/asan/fuzz/findings/$1 log=build/asan/fuzz/$1.log finding
  mkdir -p "$corpus" "$findings"
  rm -f "$log.failed"
  touch "$log.started"
  build/asan/bin/fuzz_"$target" -max_total_time="$seconds" -max_len=4096 -entropic=0 -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -seed="${FUZZ_SEED:-0}" -artifact_prefix="$findings/" "$corpus" "tests/fuzz/corpus/$target" >"$log" 2>&1 && return
  {
    grep -v '^#' "$log" | tail -n 100
    for finding in $(find "$findings" -type f -newer "$log.started"); do
      printf '\n%s\nsee it again:  build/asan/bin/fuzz_%s %s\n' "$finding" "$target" "$finding"
    done
  } >"$log.failed"
}

say "Fuzzing: ${#targets[@]} targets, $seconds seconds each"
for target in "${targets[@]}"; do
  while [[ $(jobs -rp | wc -l) -ge $(nproc) ]]; do wait -n || true; done
  fuzz "$target" &
done
wait

failed=()
for target in "${targets[@]}"; do
  log=build/asan/fuzz/$target.log
  printf '\n%s\n' "$target"
  if [[ -e $log.failed ]]; then
    failed+=("$target")
    cat "$log.failed"
  else
    grep -E '^(stat::number_of_executed_units|stat::peak_rss_mb|#[0-9]+\s+DONE)' "$log"
  fi
done
[[ ${#failed[@]} == 0 ]] || fail "found something in: ${failed[*]}"
