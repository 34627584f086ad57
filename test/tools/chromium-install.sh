#!/bin/sh
# Makes sure that `make test-console` has a browser: Debian's Chromium, from the packages of this machine's own release. They
# are unpacked below .cache/chromium with all the libraries that they need and two families of fonts, and nothing is installed.
# So every machine of that release draws the same letters. Only the C library is the machine's. It needs apt and dpkg.
# Where Chromium can't run it prints what is missing, and with CI=true it fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
target=$root/.cache/chromium
program=usr/lib/chromium/chromium
. "$root/test/tools/debian-packages.sh"

# The packages are those of this machine's release.
sources() {
  :
}

# The C library has to be that of the machine's dynamic linker. The drivers of graphics cards are large, and nothing uses them.
packages() {
  all_packages chromium fonts-liberation fonts-dejavu-core |
    grep -Ev '^(libc6|libllvm.*|libgl1-mesa-dri|perl.*|adwaita-icon-theme)$'
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

finish() {
  rm -rf "$1/usr/share/doc" "$1/usr/share/man" "$1/usr/share/locale"
  mkdir -p "$1/fonts"
  fonts_conf >"$1/fonts/fonts.conf"
}

if unpacked 'Chromium is missing: unpacking the packages of Debian into .cache/chromium'; then exit 0; fi

cat >&2 <<'END'
******************************************************************************************
  There is no Chromium on this machine: the tests of the console DO NOT RUN.
  They need apt and a mirror of Debian.
******************************************************************************************
END
[ "${CI:-}" != true ]
