#!/usr/bin/env bash
# test.sh [PRESET]: installs what is missing, builds everything and runs the whole test suite. The preset is one of
# those in CMakePresets.json that have tests: release (the default), dev, asan, tsan.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
preset=${1:-release}

packages=$(listed_packages)
[[ $preset != asan ]] || packages+=" clang libclang-rt-dev"
install_packages $packages
build "$preset"

say "Testing: $preset"
ctest --preset "$preset" --parallel "$(nproc)"
