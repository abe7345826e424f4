# shellcheck shell=bash
# What the scripts of ci/ have in common; sourced by them, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly BIN=.venv/bin

# hold ARGUMENT...: hold drills, report, and exit as `muster verdict` does: 0 met, 1 missed, 2 unknown.
# Arguments are pytest's.
hold() {
  local code=0 verdict=0
  make setup
  "$BIN/pytest" drills --junitxml=reports/junit.xml "$@" || code=$?
  case $code in
    0 | 1 | 5) ;;
    *)
      echo "$0: pytest ended with $code, which is no verdict" >&2
      verdict=2
      ;;
  esac
  publish
  ((verdict)) || "$BIN/muster" verdict || verdict=$?
  # A test beside the drills, say, failed.
  ((verdict || code == 0)) || verdict=1
  exit "$verdict"
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
