# Sourced by the scripts beside it: installs the packages that chainrule is built with, configures and builds.
# CHAINRULE_SKIP_INSTALL=1 leaves the packages alone, for systems where they come from elsewhere.
set -euo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }
fail() { printf '\nerror: %s\n' "$*" >&2 && exit 1; }

# The Debian packages to build and test chainrule, one per line.
listed_packages() { sed -n 's/^\([^# ]\+\) .*/\1/p' third_party/packages.txt; }

# install_packages NAME...: installs those Debian packages that are not there yet.
install_packages() {
  [[ ${CHAINRULE_SKIP_INSTALL:-0} != 1 ]] || return 0
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    printf 'This is not a Debian system. Install what these Debian packages hold:\n' >&2
    printf '  %s\n' "$@" >&2
    fail 'cannot install packages here; once they are installed, set CHAINRULE_SKIP_INSTALL=1 and start again'
  fi

  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0

  local as_root=()
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || fail "run this as root first: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${#missing[@]} packages: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  "${apt[@]}" update || fail 'apt-get update failed'
  "${apt[@]}" install --yes --no-install-recommends "${missing[@]}" >/dev/null || fail 'apt-get install failed'
}

# What drives the pages in a real browser: chromium, node, and playwright-core for the tests; and ONNX Runtime, which
# runs models in node. Node and npm may be there from elsewhere than Debian.
install_browser() {
  command -v chromium >/dev/null || install_packages chromium
  command -v npm >/dev/null || install_packages nodejs npm
  npm --prefix tests/browser ci --no-audit --no-fund
  # ONNX Runtime is in the package itself; its scripts would fetch what is for graphics cards.
  npm --prefix tests/onnx/runtime ci --ignore-scripts --no-audit --no-fund
}

# build PRESET [TARGET...]: configures the preset and builds these targets, or all of them.
build() {
  local preset=$1
  shift
  say "Configuring and building: $preset"
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" ${1:+--target "$@"}
}
