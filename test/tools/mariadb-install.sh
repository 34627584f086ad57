#!/bin/sh
# Makes sure that `make test` has a MariaDB or MySQL to run on. It does nothing where MYSQL_TEST_URL names a server or a
# server binary is installed. On Debian as root it installs the packages. Elsewhere it prints what to install, and with
# CI=true it fails.
#
# The two -core packages hold binaries alone: they install no service and no system user, and start nothing. The client's
# package is there for my_print_defaults, which mariadb-install-db needs.
set -eu

[ -z "${MYSQL_TEST_URL:-}" ] || exit 0
PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/local/bin

installed() {
  command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null && command -v my_print_defaults >/dev/null
}
install() {
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends \
    mariadb-server-core mariadb-client-core
}

if installed; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo 'MariaDB is missing: installing the Debian packages mariadb-server-core and mariadb-client-core'
  log=$(mktemp)
  # A fresh machine has no package lists yet, or old ones that name files which no longer exist.
  install >"$log" 2>&1 || { apt-get update -qq && install; } >>"$log" 2>&1 || cat "$log" >&2
  rm -f "$log"
  if installed; then exit 0; fi
fi

cat >&2 <<'END'
******************************************************************************************
  There is no MariaDB on this machine: the tests run on SQLite ONLY.
  Install it (Debian: apt-get install mariadb-server-core mariadb-client-core), or point
  MYSQL_TEST_URL at a server: mysql://user:password@127.0.0.1:3306 (may create databases)
******************************************************************************************
END
[ "${CI:-}" != true ]
