# Scripts that install tools of tests read this file. They set $bin, the folder of the tools, and $failed, which becomes
# `yes` when a tool is missing.
# shellcheck shell=sh
PATH=$PATH:/usr/local/go/bin:/usr/local/bin

# missing WHAT ADVICE says that a tool is missing.
missing() {
  printf '%s\n' '******************************************************************************************' \
    "  $1" "  $2" \
    '******************************************************************************************' >&2
  failed=yes
}

# go_tool NAME MODULE VERSION builds a command, once for each version.
go_tool() {
  [ ! -x "$bin/$1" ] || [ ! -e "$bin/.$1@$3" ] || return 0
  mkdir -p "$bin"
  rm -f "$bin/$1" "$bin/.$1@"*
  if ! command -v go >/dev/null; then
    missing "There is no Go on this machine: the tests with $1 are SKIPPED." 'Install it from https://go.dev/dl/.'
    return 0
  fi
  echo "building $1 $3 into .cache/bin"
  # Go names a command after the last part of its path.
  if GOBIN=$bin GOFLAGS= go install "$2@$3" && { [ -x "$bin/$1" ] || mv "$bin/${2##*/}" "$bin/$1"; }; then
    : >"$bin/.$1@$3"
  else
    missing "Go could not build $1 (see above): the tests with it are SKIPPED." 'Run the same make target again to repeat it.'
  fi
}

# go_program NAME FOLDER builds a program of this project when its sources are newer.
go_program() {
  [ ! -x "$bin/$1" ] || [ -n "$(find "$2" -newer "$bin/$1")" ] || return 0
  mkdir -p "$bin"
  if ! command -v go >/dev/null; then
    missing "There is no Go on this machine: the tests with $1 are SKIPPED." 'Install it from https://go.dev/dl/.'
    return 0
  fi
  echo "building $1 into .cache/bin"
  (cd "$2" && GOFLAGS= go build -buildvcs=false -trimpath -o "$bin/$1" .) ||
    missing "Go could not build $1 (see above): the tests with it are SKIPPED." 'Run the same make target again to repeat it.'
}
