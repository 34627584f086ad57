#!/bin/sh
# Installs the tools of `make test-deploy` below .cache/: Prometheus with promtool, unpacked from Debian's package, because
# installing that would start a service. Where a tool can't be had it prints so, and those tests are skipped; with CI=true
# it fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/.cache/bin
failed=
. "$root/test/tools/go-tool.sh"

# unpacked PACKAGE PROGRAM unpacks a Debian package into .cache/PACKAGE, unless PROGRAM in there runs.
unpacked() {
  folder=$root/.cache/$1
  ! "$folder/$2" --version >/dev/null 2>&1 || return 0
  if ! command -v apt-get >/dev/null; then
    missing "There is no $1 on this machine: the tests with it are SKIPPED." \
      "Unpack the Debian package $1 into .cache/$1."
    return 0
  fi
  echo "unpacking the Debian package $1 into .cache/$1"
  log=$(mktemp)
  { download "$1" || { apt-get update -qq && download "$1"; }; } >"$log" 2>&1 || cat "$log" >&2
  rm -f "$log"
  "$folder/$2" --version >/dev/null 2>&1 ||
    missing "The Debian package $1 could not be unpacked: the tests with it are SKIPPED." \
      'Run make test-deploy again to repeat it.'
}
download() (
  packages=$(mktemp -d)
  trap 'rm -rf "$packages"' EXIT
  cd "$packages"
  apt-get download -qq -o APT::Sandbox::User=root "$1"
  rm -rf "$root/.cache/$1"
  dpkg-deb --extract ./*.deb "$root/.cache/$1"
)

unpacked prometheus usr/bin/promtool
[ -z "$failed" ] || [ "${CI:-}" != true ]
