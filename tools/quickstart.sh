#!/usr/bin/env bash
# Installs what is missing, builds chainrule, and walks through the forward and the backward pass of (x+y)*z: first
# in a C++ program (tools/examples/walkthrough.cpp), then with the command-line tool.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

install_packages $(listed_packages)
build release chainrule_tool walkthrough

say 'tools/examples/walkthrough.cpp'
build/release/bin/walkthrough

say "chainrule walk '(x+y)*z' x=-2 y=5 z=-4"
build/release/bin/chainrule walk '(x+y)*z' x=-2 y=5 z=-4

say 'Done. The tool is build/release/bin/chainrule; try it with --help.'
