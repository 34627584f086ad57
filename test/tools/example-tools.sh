#!/bin/sh
# Installs below .cache/ what the tests of examples/ need: a Python environment with the frameworks of voice agents. Where
# Python is missing it prints so, and those tests are skipped; with CI=true it fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
environment=$root/.cache/voice-frameworks
failed=
. "$root/test/tools/go-tool.sh"

# Prints every pin that decides about the environment.
pins() {
  cat "$root"/test/clients/python/voice-frameworks*.txt "$root"/examples/livekit/requirements.txt \
    "$root"/examples/pipecat/requirements.txt
}

voice_frameworks() {
  ! pins | cmp -s - "$environment/installed.txt" || return 0
  if ! command -v python3 >/dev/null || ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    missing 'There is no Python 3 with venv on this machine: the tests with LiveKit and Pipecat are SKIPPED.' \
      'Install it (Debian: apt-get install python3-venv).'
    return 0
  fi
  echo 'installing LiveKit Agents and Pipecat into .cache/voice-frameworks'
  rm -rf "$environment"
  if python3 -m venv "$environment" &&
    "$environment/bin/pip" install --quiet --requirement "$root/test/clients/python/voice-frameworks.txt"; then
    pins >"$environment/installed.txt"
  else
    missing 'The frameworks of voice agents could not be installed (see above): their tests are SKIPPED.' \
      'Run make test-clients again to repeat it.'
  fi
}

voice_frameworks
[ -z "$failed" ] || [ "${CI:-}" != true ]
