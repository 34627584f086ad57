#!/bin/sh
# Makes sure that `make test-console` has a browser: Debian's Chromium, from the packages of this machine's own release. They
# are unpacked below .cache/chromium with all the libraries that they need and two families of fonts, and nothing is installed.
# So every machine of that release draws the same letters. Only the C library is the machine's. It needs apt and dpkg.
# Where Chromium can't run it prints what is missing, and with CI=true it fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
target=$root/.cache/chromium

# Runs apt with lists, a cache and an empty status file of its own. So it knows of no installed package, and lists every
# library that Chromium needs.
own_apt() {
  command=$1
  shift
  "$command" -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Debug::NoLocking=true "$@"
}

# The C library has to be that of the machine's dynamic linker. The drivers of graphics cards are large, and nothing uses them.
packages() {
  own_apt apt-get -qq --simulate --no-install-recommends install chromium fonts-liberation fonts-dejavu-core |
    awk '/^Inst / { print $2 }' | grep -Ev '^(libc6|libllvm.*|libgl1-mesa-dri|perl.*|adwaita-icon-theme)$'
}

# Fontconfig reads this file in place of /etc/fonts, so pages are drawn with these fonts alone.
fonts_conf() {
  cat <<'END'
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">../usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias><family>sans-serif</family><prefer><family>Liberation Sans</family><family>DejaVu Sans</family></prefer></alias>
  <alias><family>serif</family><prefer><family>Liberation Serif</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <alias><family>system-ui</family><prefer><family>Liberation Sans</family><family>DejaVu Sans</family></prefer></alias>
  <match target="pattern">
    <edit name="family" mode="append_last"><string>Liberation Sans</string></edit>
  </match>
</fontconfig>
END
}

unpack() (
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/packages" "$work/chromium/fonts"
  : >"$work/status"
  own_apt apt-get update -qq
  names=$(packages)
  cd "$work/packages"
  # shellcheck disable=SC2086
  own_apt apt-get download -qq $names
  for package in *.deb; do dpkg-deb --extract "$package" "$work/chromium"; done
  [ -x "$work/chromium/usr/lib/chromium/chromium" ]
  rm -rf "$work/chromium/usr/share/doc" "$work/chromium/usr/share/man" "$work/chromium/usr/share/locale"
  fonts_conf >"$work/chromium/fonts/fonts.conf"
  # The folder appears whole or not at all.
  mkdir -p "$root/.cache"
  rm -rf "$target.new" "$target"
  mv "$work/chromium" "$target.new"
  mv "$target.new" "$target"
)

installed() { [ -x "$target/usr/lib/chromium/chromium" ]; }

if installed; then exit 0; fi
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
  echo 'Chromium is missing: unpacking the packages of Debian into .cache/chromium'
  log=$(mktemp)
  unpack >"$log" 2>&1 || cat "$log" >&2
  rm -f "$log"
  if installed; then exit 0; fi
fi

cat >&2 <<'END'
******************************************************************************************
  There is no Chromium on this machine: the tests of the console DO NOT RUN.
  They need apt and a mirror of Debian.
******************************************************************************************
END
[ "${CI:-}" != true ]
