#!/bin/sh
# Unpacks the parser of Mermaid (MIT licence) into .cache/mermaid, which test/clients/diagrams.test.ts needs. With all that it
# can draw with, the package takes 200 MB, so it is no dependency: this takes the 6 MB that parse, which need no other
# package. Where npm can't load it this prints so, and that test is skipped; with CI=true it fails.
set -eu
version=12.3.0
sha512=e35d774dd5de2c0b0caee27bf4ea452f93bcf8b4c55e142a676eb4ac5ded8149a2340b519b852e99ed3823eeb93d137ac99ebd2787fcad56165bccd193ae5463
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$root/.cache/mermaid
failed=
. "$root/test/tools/go-tool.sh"
[ ! -e "$folder/.$version" ] || exit 0

packed=$(mktemp -d)
trap 'rm -rf "$packed"' EXIT
echo "unpacking mermaid $version into .cache/mermaid"
rm -rf "$folder"
mkdir -p "$folder"
if "$root/tools/node/with-node.sh" npm pack --silent --pack-destination "$packed" "mermaid@$version" >"$packed/log" &&
  echo "$sha512  $packed/mermaid-$version.tgz" | sha512sum --check --quiet &&
  tar --extract --gzip --file "$packed/mermaid-$version.tgz" --directory "$folder" --strip-components 2 --wildcards \
    'package/dist/mermaid.esm.min.mjs' 'package/dist/chunks/mermaid.esm.min/*.mjs'; then
  : >"$folder/.$version"
else
  missing 'mermaid could not be unpacked (see above): the test of the diagrams is SKIPPED.' \
    'Run make test-clients again to repeat it.'
fi
[ -z "$failed" ] || [ "${CI:-}" != true ]
