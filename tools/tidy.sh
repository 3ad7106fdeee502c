#!/usr/bin/env bash
# tidy.sh [FILE...]: installs what is missing and runs clang-tidy over these sources. Without any: over the public
# headers and the largest source of each folder, which takes a few minutes; with --all: over every source.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

install_packages $(listed_packages) clang clang-tidy libclang-rt-dev
say 'clang-tidy'
cmake --preset asan >/dev/null
mapfile -t folders < <(find src tools/chainrule tools/examples -name '*.cpp' -printf '%h\n' | sort -u)
files=("$@")
if [[ ${1:-} == --all ]]; then
  mapfile -t files < <(find "${folders[@]}" -maxdepth 1 -name '*.cpp' | sort -u)
elif [[ $# == 0 ]]; then
  headers=build/asan/public_headers.cpp
  (cd include && printf '#include "%s"\n' chainrule/*.h) >"$headers"
  files=("$headers")
  for folder in "${folders[@]}"; do files+=("$(ls -S "$folder"/*.cpp | head -n 1)"); done
fi
# What it counts and where it got a header from is of no interest: only findings are.
printf '%s\n' "${files[@]}" |
  xargs -P "$(nproc)" -n 1 sh -c 'clang-tidy -p build/asan --quiet "$0" 2>/dev/null' || fail 'clang-tidy found something'
