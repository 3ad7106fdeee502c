#!/bin/sh
# with_pkg_config.sh LIBDIR PROGRAM COMPILER [FLAG...]: builds and runs main.cpp with what chainrule.pc says.
set -eu
libdir=$1 program=$2
shift 2
export PKG_CONFIG_PATH="$libdir/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
# shellcheck disable=SC2046  # flags are separate words
"$@" -std=c++20 "$(dirname "$0")/main.cpp" -o "$program" $(pkg-config --cflags --libs chainrule)
LD_LIBRARY_PATH="$libdir" "$program"
