# shellcheck shell=bash
# Shared by the scripts in this folder: `. "$(dirname "$0")/lib.sh"`.
# Each script runs from the project's top folder and stops at the first failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

state=$PWD/target/.make # results of the set-up steps; `make clean` removes it
mkdir -p "$state"
# The oldest glibc that tms and tms-keycmd have to run with: that of RHEL 8.
# shellcheck disable=SC2034 # used by scripts that include this one
oldest_glibc=2.28

# One line per step: what it does and why.
say() { printf '==> %s\n' "$*"; }

# What failed, then one line for each thing to try.
die() {
  printf '\nFAILED: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  try: %s\n' "$@" >&2
  exit 1
}

# What is not done, and why.
skipped() { printf '\n!!! SKIPPED: %s\n\n' "$*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "this step needs root and there is no sudo: $*" "run it as root, then run make again"
  fi
}

# apt_install WHY PACKAGE...: installs Debian packages; without apt, prints what to install.
apt_install() {
  local why=$1
  shift
  have apt-get || die "$why, and this machine has no apt-get to install it with" \
    "install by hand what Debian calls: $*" "then run make again"
  say "installing $* (apt): $why"
  # Without a recent `apt-get update`, packages are unknown or outdated.
  as_root apt-get update -qq || say "apt-get update failed; going on with the package lists that are here"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" ||
    die "apt could not install: $*" "read apt's message above" "run: apt-get install $*"
}

release_version() { sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1; }

# Sets the environment for cargo that the step `toolchain` chose.
use_toolchain() {
  [ -f "$state/toolchain" ] || .make/toolchain
  local chosen
  chosen=$(cat "$state/toolchain")
  [ -z "$chosen" ] || export RUSTUP_TOOLCHAIN=$chosen
}
