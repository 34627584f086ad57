#!/bin/sh
# Makes sure that `make test-faults` can start a Galera cluster. It needs the provider (Debian package galera-4), rsync, and
# the scripts by which nodes hand over their state. On Debian as root this installs what is missing. Elsewhere it prints
# what to install, and with CI=true it fails.
#
# The scripts are part of the package mariadb-server, which would also install a service and a system user. So the package
# is unpacked below .cache/ instead of installed.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/.cache/galera
PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/local/bin:$bin

installed() {
  [ -e /usr/lib/galera/libgalera_smm.so ] && command -v mariadbd >/dev/null && command -v rsync >/dev/null &&
    { command -v lsof || command -v ss; } >/dev/null && command -v wsrep_sst_rsync >/dev/null
}
install() {
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends \
    galera-4 rsync lsof
}
unpack() (
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  # The scripts have to be of the same version as the installed server.
  version=$(dpkg-query --show --showformat '${Version}' mariadb-server-core)
  apt-get download -qq -o APT::Sandbox::User=root "mariadb-server=$version"
  dpkg-deb --extract mariadb-server_*.deb unpacked
  mkdir -p "$bin"
  cp unpacked/usr/bin/wsrep_sst_* "$bin"
)

if installed; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo 'Galera is missing: installing the Debian packages galera-4, rsync and lsof, and scripts into .cache/galera'
  log=$(mktemp)
  { install && unpack; } >"$log" 2>&1 || { apt-get update -qq && install && unpack; } >>"$log" 2>&1 || cat "$log" >&2
  rm -f "$log"
  if installed; then exit 0; fi
fi

cat >&2 <<'END'
******************************************************************************************
  There is no Galera on this machine: the tests of a cluster DO NOT RUN.
  Install it (Debian: apt-get install mariadb-server galera-4 rsync lsof).
******************************************************************************************
END
[ "${CI:-}" != true ]
