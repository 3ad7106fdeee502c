#!/usr/bin/env bash
# builds.sh FOLDER: builds the library there in each way that programs may use it, and with each one runs programs that do:
# static and shared, installed, without threads, and as a part of a project that adds or fetches its sources.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
cd "$1"
say() { printf '\n== %s\n' "$*"; }

# installed NAME OPTION...: builds it with these options, and installs it in NAME/prefix.
installed() {
  local name=$1
  shift
  say "installed: $name"
  cmake -G Ninja -S "$here/../.." -B "$name/build" -DCMAKE_BUILD_TYPE=Release -DCHAINRULE_BUILD_TESTS=OFF \
    -DCHAINRULE_BUILD_TOOLS=OFF -DCHAINRULE_BUILD_EXAMPLES=OFF -DCHAINRULE_BUILD_BENCH=OFF "$@" >/dev/null
  cmake --build "$name/build"
  cmake --install "$name/build" --prefix "$PWD/$name/prefix" >/dev/null
  cmake -G Ninja -S "$here" -B "$name/consumer" -DCMAKE_PREFIX_PATH="$PWD/$name/prefix" >/dev/null
  cmake --build "$name/consumer"
  "$name/consumer/consumer"
  "$name/consumer/app"
  "$name/consumer/border"
  [[ ! -e $name/consumer/ranks ]] || "$name/consumer/ranks"
}

for shared in OFF ON; do
  installed "shared_$shared" -DBUILD_SHARED_LIBS="$shared"
  "$here/with_pkg_config.sh" "$(dirname "$(dirname "$(find "$PWD/shared_$shared/prefix" -name chainrule.pc)")")" \
    "shared_$shared/with_pkg_config" "${CXX:-c++}"
done
installed without_threads -DCHAINRULE_THREADS=OFF
without_threads/consumer/consumer alone

for way in added fetched; do
  say "$way"
  cmake -G Ninja -S "$here/within" -B "$way" -DWAY="$way" >/dev/null
  cmake --build "$way"
  "$way/consumer"
done
say 'every way works'
