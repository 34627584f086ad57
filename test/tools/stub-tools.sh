#!/bin/sh
# Installs below .cache/ what `make stubs` and the tests of the client packages need: the plugins of Go, Python environments
# with the newest and the oldest libraries that the Python package works with, and the compilers for Java. Where Go, Python or
# Maven is missing it prints so, and their tests are skipped; with CI=true it fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/.cache/bin
failed=
. "$root/test/tools/go-tool.sh"

# python_environment NAME installs clients/python/requirements/NAME.txt into .cache/python-client/NAME.
python_environment() {
  wanted=$root/clients/python/requirements/$1.txt
  folder=$root/.cache/python-client/$1
  ! cmp -s "$wanted" "$folder/installed.txt" || return 0
  if ! command -v python3 >/dev/null || ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    missing 'There is no Python 3 with venv on this machine: the tests of the Python package are SKIPPED.' \
      'Install it (Debian: apt-get install python3-venv).'
    return 0
  fi
  echo "installing the $1 libraries for Python into .cache/python-client"
  rm -rf "$folder"
  if python3 -m venv "$folder" && "$folder/bin/pip" install --quiet --requirement "$wanted"; then
    cp "$wanted" "$folder/installed.txt"
  else
    missing 'Python packages could not be installed (see above): the tests of the Python package are SKIPPED.' \
      'Run the same make target again to repeat it.'
  fi
}

# java_program NAME GROUP VERSION copies a compiler that Maven Central has for each system into .cache/bin.
java_program() {
  [ ! -x "$bin/$1" ] || [ ! -e "$bin/.$1@$3" ] || return 0
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) system=linux-x86_64 ;;
    Linux-aarch64) system=linux-aarch_64 ;;
    Darwin-*) system=osx-x86_64 ;;
    *) system=unknown ;;
  esac
  mkdir -p "$bin"
  rm -f "$bin/$1" "$bin/.$1@"*
  if ! command -v mvn >/dev/null; then
    missing "There is no Maven on this machine: there are no stubs for Java." 'Install it (Debian: apt-get install maven).'
    return 0
  fi
  echo "copying $1 $3 into .cache/bin"
  if mvn --quiet --batch-mode dependency:copy "-Dartifact=$2:$1:$3:exe:$system" "-DoutputDirectory=$bin" \
    -Dmdep.useBaseVersion=true; then
    mv "$bin/$1-$3-$system.exe" "$bin/$1"
    chmod +x "$bin/$1"
    : >"$bin/.$1@$3"
  else
    missing "Maven could not get $1 (see above): there are no stubs for Java." 'Run the same make target again to repeat it.'
  fi
}

go_tool protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go v1.36.12
go_tool protoc-gen-go-grpc google.golang.org/grpc/cmd/protoc-gen-go-grpc v1.6.2
python_environment newest
python_environment oldest
java_program protoc com.google.protobuf 4.36.2
java_program protoc-gen-grpc-java io.grpc 1.80.0
[ -z "$failed" ] || [ "${CI:-}" != true ]
