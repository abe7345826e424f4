# shellcheck shell=bash
# What the scripts of ci/ have in common; sourced by them, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly BIN=.venv/bin

# hold ARGUMENT...: hold drills, report, and exit by the verdict of that very run: 0 met, 1 missed, 2 unknown.
# Arguments are pytest's.
hold() {
  local code=0
  make setup
  "$BIN/muster" run drills --junitxml=reports/junit.xml "$@" || code=$?
  publish
  exit "$code"
}

# publish: write what people and job pages read. What fails here changes no verdict.
publish() {
  make report || echo "$0: there is no HTML report" >&2
  if "$BIN/muster" summary --format markdown >reports/summary.md; then
    cat reports/summary.md >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
  else
    echo "$0: there is no summary" >&2
  fi
  "$BIN/muster" history || true
  "$BIN/muster" history overdue || true
}
