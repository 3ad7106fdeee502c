#!/bin/sh
# Has CHAINRULE_TESTS write its models, and runs them with ONNX Runtime. Exits with 77, for skipped, where
# something is missing.
cd "$(dirname "$0")" || exit 1
skip() { echo "skipped: $1" && exit 77; }
command -v node >/dev/null || skip 'no node; install the Debian package nodejs'
[ -d node_modules/onnxruntime-node ] || skip 'no onnxruntime-node; run `npm ci --ignore-scripts` in tests/onnx/runtime'
CHAINRULE_ONNX_FILES=$(mktemp -d) || exit 1
export CHAINRULE_ONNX_FILES
trap 'rm -rf "$CHAINRULE_ONNX_FILES"' EXIT
"$CHAINRULE_TESTS" --gtest_brief=1 '--gtest_filter=OnnxSave.*' || exit 1
node --test
