#!/usr/bin/env bash
# test.sh [PRESET]: installs what is missing, builds everything and runs the whole test suite. The preset is one of
# those in CMakePresets.json: release (the default), dev, asan, and tsan with the tests that use threads alone.
# test.sh long: what takes too long to run for every change.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
preset=${1:-release}

if [[ $preset == long ]]; then
  CHAINRULE_TEST_KILLS=30 tools/test.sh dev
  tools/test.sh tsan_all
  tools/tidy.sh --all
  install_packages doxygen
  build release docs
  tools/fuzz.sh 600
  tests/consumer/builds.sh build/ways
  exit
fi

packages=$(listed_packages)
[[ $preset != [at]san* ]] || packages+=" clang libclang-rt-dev"
install_packages $packages
build "$preset" $([[ $preset != tsan ]] || echo chainrule_tests)

say "Testing: $preset"
ctest --preset "$preset" --parallel "$(nproc)"
