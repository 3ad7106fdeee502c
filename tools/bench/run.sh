#!/usr/bin/env bash
# Installs what is missing, builds in release mode, and compares chainrule with LibTorch (where Debian's libtorch-dev is
# installed) and with hand-written loops. Takes some minutes; --quick about one; --help shows all options.
from=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"

install_packages $(listed_packages)
build release benchmark
say 'Measuring'
driver=$PWD/build/release/bench/bench_driver
cd "$from"  # where --json FILE is meant
exec "$driver" "$@"
