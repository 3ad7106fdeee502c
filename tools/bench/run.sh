#!/usr/bin/env bash
# Installs what is missing, builds in release mode, and compares chainrule with LibTorch (where Debian's libtorch-dev is
# installed) and with hand-written loops. Takes some minutes; --quick about one; --help shows all options.
source "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"

install_packages $(listed_packages)
build release benchmark
say 'Measuring'
exec build/release/bench/bench_driver "$@"
