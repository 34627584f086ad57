#!/bin/sh
# Installs the tools of `make test-clients` below .cache/: grpcurl and go-httpbin (built by Go, which checks them against its
# public checksum database), a Python environment with grpcio-tools, and npm packages that verify signatures. Where Go or
# Python is missing it prints so, and those tests are skipped; with CI=true it fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/.cache/bin
python=$root/.cache/python
failed=
. "$root/test/tools/go-tool.sh"

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

go_tool grpcurl github.com/fullstorydev/grpcurl/cmd/grpcurl v1.9.4
go_tool go-httpbin github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin v2.26.0
python_tools
signature_libraries
[ -z "$failed" ] || [ "${CI:-}" != true ]
