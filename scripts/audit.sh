#!/bin/sh
# Asks the npm registry for known vulnerabilities of the packages in both lockfiles. Ends with 1 if there are some, and with 2
# if the registry did not answer: an audit that was not made must not look like a good one.
set -u
cd "$(dirname "$0")/.." || exit 2
result=0
for folder in . tools/node; do
  echo "npm audit of $folder/package-lock.json"
  report=$(npm audit --json --package-lock-only --prefix "$folder")
  # Only a report has this member. An error of the registry or the network has others.
  case $report in
    *'"auditReportVersion"'*)
      npm audit --package-lock-only --prefix "$folder" || result=1
      ;;
    *)
      printf '%s\n' '********************************************************************************' \
        "  NOT AUDITED: the npm registry gave no report for $folder/package-lock.json." \
        '  Run make audit where the registry answers POST /-/npm/v1/security/advisories/bulk.' \
        '********************************************************************************' >&2
      result=2
      ;;
  esac
done
exit $result
