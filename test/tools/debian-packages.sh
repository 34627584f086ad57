# Scripts that unpack a program of Debian below .cache/ read this file. The program runs from there with all the libraries that
# it needs, and nothing is installed. A script sets
#   target        the folder that the packages are unpacked into
#   program       the program that they bring, in that folder
# and defines the functions `sources`, which prints the list of sources of apt (nothing: that of this machine), `packages`,
# which prints the names of the packages, and `finish FOLDER`, which may change what was unpacked.
# shellcheck shell=sh
# shellcheck disable=SC2154

# own_apt COMMAND ARGUMENT… runs a command of apt with lists, a cache and an empty status file of its own. So apt knows of no
# installed package, and lists every library that a program needs.
own_apt() {
  command=$1
  shift
  if [ -s "$work/sources.list" ]; then
    set -- -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null "$@"
  fi
  "$command" -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
    -o Debug::NoLocking=true "$@"
}

# all_packages PACKAGE… prints the names of packages and of all that they need.
all_packages() {
  own_apt apt-get -qq --simulate --no-install-recommends install "$@" | awk '/^Inst / { print $2 }'
}

unpack_packages() (
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/packages" "$work/unpacked"
  : >"$work/status"
  sources >"$work/sources.list"
  own_apt apt-get update -qq
  names=$(packages)
  cd "$work/packages"
  # shellcheck disable=SC2086
  own_apt apt-get download -qq $names
  for package in *.deb; do dpkg-deb --extract "$package" "$work/unpacked"; done
  [ -x "$work/unpacked/$program" ]
  finish "$work/unpacked"
  # The folder appears whole or not at all.
  mkdir -p "$(dirname "$target")"
  rm -rf "$target.new" "$target"
  mv "$work/unpacked" "$target.new"
  mv "$target.new" "$target"
)

# unpacked MESSAGE makes sure that the program is there. It prints the message before it unpacks, and fails where it can't.
unpacked() {
  [ ! -x "$target/$program" ] || return 0
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  echo "$1"
  log=$(mktemp)
  # In the background, because `set -e` means nothing within a condition.
  unpack_packages >"$log" 2>&1 &
  wait $! || cat "$log" >&2
  rm -f "$log"
  [ -x "$target/$program" ]
}
