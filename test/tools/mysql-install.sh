#!/bin/sh
# Makes sure that `make test-mysql` has a MySQL of Oracle's to run on: MySQL 9.7 LTS, from the packages of Debian's unstable
# suite. They are unpacked below .cache/mysql with all the libraries that they need, and nothing is installed: the server
# runs with the dynamic linker of that folder, on any Linux of the same processor. It needs apt and dpkg, and the mirror that
# this machine is set up with. Where there is no apt it prints what is missing, and with CI=true it fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
target=$root/.cache/mysql
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror of this machine's own release. No address of a mirror stands in this repository.
mirror() {
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  apt-get indextargets --format '$(SITE)' 'Identifier: Packages' "Codename: $codename" 'Component: main' | head -n 1
}

# Runs apt with lists, a cache and an empty status file of its own. So it knows of no installed package, and lists every
# library that the server needs.
own_apt() {
  command=$1
  shift
  "$command" -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
    -o Debug::NoLocking=true "$@"
}

# Perl is for the scripts beside the server, which the tests do not run.
packages() {
  own_apt apt-get -qq --simulate --no-install-recommends install mysql-server-core |
    awk '/^Inst / { print $2 }' | grep -v perl
}

unpack() (
  site=$(mirror)
  [ -n "$site" ]
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/packages" "$work/mysql"
  : >"$work/status"
  echo "deb [signed-by=$keyring] $site sid main" >"$work/sources.list"
  own_apt apt-get update -qq
  names=$(packages)
  cd "$work/packages"
  # shellcheck disable=SC2086
  own_apt apt-get download -qq $names
  for package in *.deb; do dpkg-deb --extract "$package" "$work/mysql"; done
  [ -x "$work/mysql/usr/sbin/mysqld" ]
  # The folder appears whole or not at all.
  mkdir -p "$root/.cache"
  rm -rf "$target.new" "$target"
  mv "$work/mysql" "$target.new"
  mv "$target.new" "$target"
)

installed() { [ -x "$target/usr/sbin/mysqld" ]; }

if installed; then exit 0; fi
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
  echo 'MySQL is missing: unpacking the packages of Debian sid into .cache/mysql'
  log=$(mktemp)
  unpack >"$log" 2>&1 || cat "$log" >&2
  rm -f "$log"
  if installed; then exit 0; fi
fi

cat >&2 <<'END'
******************************************************************************************
  There is no MySQL on this machine: the tests on MySQL DO NOT RUN.
  They need apt and a Debian mirror. TEST_ENGINE=mysql and MYSQL_TEST_URL run the suites of
  stores and gRPC on another server: mysql://user:password@127.0.0.1:3306 (may create databases)
******************************************************************************************
END
[ "${CI:-}" != true ]
