#!/bin/sh
# Runs the browser tests with the tool CHAINRULE_TOOL. Exits with 77, for skipped, where something is missing.
# CHAINRULE_SCREENSHOTS=FOLDER keeps pictures to look at.
cd "$(dirname "$0")" || exit 1
skip() { echo "skipped: $1" && exit 77; }
command -v node >/dev/null || skip 'no node; install the Debian package nodejs'
CHROMIUM=$(command -v "${CHROMIUM:-chromium}") || skip 'no browser; install the Debian package chromium'
[ -d node_modules/playwright-core ] || skip 'no playwright-core; run `npm ci` in tests/browser'
export CHROMIUM
exec node --test
