#!/bin/sh
# Makes the certificates of this folder anew (needs openssl; `openssl ca` because only it can set both dates).
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/ca.cnf" <<CONFIG
[ca]
default_ca = test
[test]
database = $work/index
new_certs_dir = $work
serial = $work/serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[endpoint]
subjectAltName = DNS:endpoint.example,DNS:*.wild.example,IP:127.0.0.1
extendedKeyUsage = serverAuth
[client]
extendedKeyUsage = clientAuth
[database]
subjectAltName = DNS:localhost
extendedKeyUsage = serverAuth
CONFIG
: >"$work/index"
echo 01 >"$work/serial"

# make NAME EXTENSIONS END OPTIONS...
make() {
  name=$1 extensions=$2 end=$3
  shift 3
  openssl ecparam -name prime256v1 -genkey -noout -out "$work/$name.key"
  openssl req -new -key "$work/$name.key" -subj "/CN=$name" -out "$work/$name.csr"
  openssl ca -batch -notext -config "$work/ca.cnf" -extensions "$extensions" -startdate 20000101000000Z -enddate "$end" \
    -in "$work/$name.csr" -out "$name.pem" "$@"
}

make ca authority 21250101000000Z -selfsign -keyfile "$work/ca.key"
make endpoint endpoint 21250101000000Z -cert ca.pem -keyfile "$work/ca.key"
make expired endpoint 20010101000000Z -cert ca.pem -keyfile "$work/ca.key"
make self-signed endpoint 21250101000000Z -selfsign -keyfile "$work/self-signed.key"
make client-ca authority 21250101000000Z -selfsign -keyfile "$work/client-ca.key"
make client client 21250101000000Z -cert client-ca.pem -keyfile "$work/client-ca.key"
make expired-client client 20010101000000Z -cert client-ca.pem -keyfile "$work/client-ca.key"
make database-ca authority 21250101000000Z -selfsign -keyfile "$work/database-ca.key"
make database database 21250101000000Z -cert database-ca.pem -keyfile "$work/database-ca.key"
for name in endpoint expired self-signed client expired-client database; do cp "$work/$name.key" .; done
# OpenSSL takes a key of 512 bits for too weak.
openssl req -x509 -newkey rsa:512 -nodes -keyout weak.key -out weak.pem -subj /CN=weak -days 36500
