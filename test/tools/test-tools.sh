#!/bin/sh
# Installs the tools of `make test-clients` below .cache/: grpcurl and go-httpbin (built by Go, which checks them against its
# public checksum database), a Python environment with grpcio-tools, and npm packages that verify signatures. Where Go or
# Python is missing it prints so, and those tests are skipped; with CI=true it fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/.cache/bin
python=$root/.cache/python
PATH=$PATH:/usr/local/go/bin:/usr/local/bin
failed=

missing() {
  printf '%s\n' '******************************************************************************************' \
    "  $1" "  $2" \
    '******************************************************************************************' >&2
  failed=yes
}

# go_tool NAME MODULE VERSION builds a command, once for each version.
go_tool() {
  [ ! -x "$bin/$1" ] || [ ! -e "$bin/.$1@$3" ] || return 0
  rm -f "$bin/$1" "$bin/.$1@"*
  if ! command -v go >/dev/null; then
    missing "There is no Go on this machine: the tests with $1 are SKIPPED." 'Install it from https://go.dev/dl/.'
    return 0
  fi
  echo "building $1 $3 into .cache/bin"
  if GOBIN=$bin GOFLAGS= go install "$2@$3"; then
    : >"$bin/.$1@$3"
  else
    missing "Go could not build $1 (see above): the tests with it are SKIPPED." 'Run make test-clients again to repeat it.'
  fi
}

python_tools() {
  wanted=$root/test/clients/python/requirements.txt
  cmp -s "$wanted" "$python/installed.txt" && return 0
  if ! command -v python3 >/dev/null || ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    missing 'There is no Python 3 with venv on this machine: the tests with the Python client are SKIPPED.' \
      'Install it (Debian: apt-get install python3-venv).'
    return 0
  fi
  echo 'installing grpcio-tools into .cache/python'
  rm -rf "$python"
  if python3 -m venv "$python" && "$python/bin/pip" install --quiet --requirement "$wanted"; then
    cp "$wanted" "$python/installed.txt"
  else
    missing 'Python packages could not be installed (see above): the tests with the Python client are SKIPPED.' \
      'Run make test-clients again to repeat it.'
  fi
}

signature_libraries() {
  wanted=$root/test/clients/signatures
  libraries=$root/.cache/signatures
  cmp -s "$wanted/package-lock.json" "$libraries/installed.json" && return 0
  echo 'installing libraries that verify signatures into .cache/signatures'
  rm -rf "$libraries"
  mkdir -p "$libraries"
  cp "$wanted/package.json" "$wanted/package-lock.json" "$libraries"
  if (cd "$libraries" && "$root/tools/node/with-node.sh" npm ci --ignore-scripts --no-progress --loglevel=error); then
    cp "$libraries/package-lock.json" "$libraries/installed.json"
  else
    missing 'npm could not install the libraries that verify signatures (see above): their tests are SKIPPED.' \
      'Run make test-clients again to repeat it.'
  fi
}

mkdir -p "$bin"
go_tool grpcurl github.com/fullstorydev/grpcurl/cmd/grpcurl v1.9.4
go_tool go-httpbin github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin v2.26.0
python_tools
signature_libraries
[ -z "$failed" ] || [ "${CI:-}" != true ]
