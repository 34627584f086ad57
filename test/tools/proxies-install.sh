#!/bin/sh
# Makes sure that `make test-clients` can start two forward proxies of other projects: tinyproxy and squid. On Debian as
# root this installs tinyproxy-bin, which is a program alone, and the libraries of squid. Squid itself is unpacked below
# .cache/, because its package would start a service. Elsewhere it prints what to install, and with CI=true it fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
squid=$root/.cache/squid
PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/local/bin

installed() {
  command -v tinyproxy >/dev/null && "$squid/usr/sbin/squid" -v >/dev/null 2>&1
}
install() {
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends --no-upgrade \
    tinyproxy-bin libecap3 libltdl7 libnetfilter-conntrack3 libtdb1 libldap-2.5-0 libgssapi-krb5-2
}
unpack() (
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get download -qq -o APT::Sandbox::User=root squid squid-common squid-langpack
  rm -rf "$squid"
  for package in *.deb; do dpkg-deb --extract "$package" "$squid"; done
)

if installed; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo 'Proxies are missing: installing the Debian package tinyproxy-bin and the libraries of squid, and squid into .cache/'
  log=$(mktemp)
  { install && unpack; } >"$log" 2>&1 || { apt-get update -qq && install && unpack; } >>"$log" 2>&1 || cat "$log" >&2
  rm -f "$log"
  if installed; then exit 0; fi
fi

cat >&2 <<'END'
******************************************************************************************
  There is no tinyproxy or no squid on this machine: the tests of proxies DO NOT RUN.
  On Debian, root installs both by running test/tools/proxies-install.sh.
******************************************************************************************
END
[ "${CI:-}" != true ]
