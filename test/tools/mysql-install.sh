#!/bin/sh
# Makes sure that `make test-mysql` has a MySQL of Oracle's to run on: MySQL 9.7 LTS, from the packages of Debian's unstable
# suite. They are unpacked below .cache/mysql with all the libraries that they need, and nothing is installed: the server
# runs with the dynamic linker of that folder, on any Linux of the same processor. It needs apt and dpkg, and the mirror that
# this machine is set up with. Where there is no apt it prints what is missing, and with CI=true it fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
target=$root/.cache/mysql
program=usr/sbin/mysqld
. "$root/test/tools/debian-packages.sh"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror of this machine's own release. No address of a mirror stands in this repository.
mirror() {
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  apt-get indextargets --format '$(SITE)' 'Identifier: Packages' "Codename: $codename" 'Component: main' | head -n 1
}

sources() {
  site=$(mirror)
  [ -n "$site" ]
  echo "deb [signed-by=$keyring] $site sid main"
}

# Perl is for the scripts beside the server, which the tests do not run.
packages() {
  all_packages mysql-server-core | grep -v perl
}

finish() {
  :
}

if unpacked 'MySQL is missing: unpacking the packages of Debian sid into .cache/mysql'; then exit 0; fi

cat >&2 <<'END'
******************************************************************************************
  There is no MySQL on this machine: the tests on MySQL DO NOT RUN.
  They need apt and a Debian mirror. TEST_ENGINE=mysql and MYSQL_TEST_URL run the suites of
  stores and gRPC on another server: mysql://user:password@127.0.0.1:3306 (may create databases)
******************************************************************************************
END
[ "${CI:-}" != true ]
