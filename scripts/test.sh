# Sourced by ./dev. Runs the suites, quick ones first, each to its end even if another failed, and closes with a table and
# one line of totals. What a suite prints is kept in TARGET/test-logs/SUITE.log too.

# Order is the order of running: a wrong space shows after a second, a failing crash test after minutes.
SUITES=(fmt clippy unit layering deny slow loop crash memory mcp agents conformance server ui window)

run_suites() { # [SUITE…]
  local suite failed=0
  local -a wanted=("$@")
  [ $# -gt 0 ] || wanted=("${SUITES[@]}")
  for suite in "${wanted[@]}"; do
    declare -F "suite_$suite" >/dev/null || fail "there is no suite '$suite'" "./dev test ${SUITES[*]}"
  done
  setup tests
  export PATH="$NODE_BIN:$PATH" LOOPWRIGHT_NODE=$NODE_BIN CARGO_TERM_COLOR=never
  LOGS=$TARGET/test-logs; mkdir -p "$LOGS"
  TABLE=() PASSED=0 FAILED=0 SKIPPED=0
  for suite in "${wanted[@]}"; do
    run_suite "$suite" || failed=1
  done
  printf '\n%-10s %-8s %7s %7s %9s\n' suite result passed failed time
  printf '%s\n' "${TABLE[@]}"
  printf '\n'
  if [ "$SKIPPED" = 0 ]; then echo "$PASSED passed, $FAILED failed"; else echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"; fi
  return "$failed"
}

run_suite() { # SUITE
  local suite=$1 log=$LOGS/$1.log started code=0 result=ok
  started=$(tenths)
  printf '\n── %s\n' "$suite"
  PASSED_HERE=0 FAILED_HERE=0
  # Bash ignores `set -e` in here (the result is looked at), so each suite passes on its own failures.
  (set +e; "suite_$suite" 2>&1 | tee "$log"; exit "${PIPESTATUS[0]}") || code=$?
  count "$log" "$code"
  [ "$code" = 0 ] || result=FAILED
  PASSED=$((PASSED + PASSED_HERE)) FAILED=$((FAILED + FAILED_HERE))
  TABLE+=("$(printf '%-10s %-8s %7d %7d %9s' "$suite" "$result" "$PASSED_HERE" "$FAILED_HERE" "$(seconds_since "$started")")")
  return "$code"
}

# Adds up nextest's summary lines and our own `check` lines; a suite that ended badly without naming a failed test counts
# as one failure, so that the last line can never read 0 failed after a failure.
count() { # LOG EXIT_CODE
  local numbers
  numbers=$(awk '
    /^ *Summary \[/ {
      line = $0
      while (match(line, /[0-9]+ (passed|failed|timed out|exec failed)/)) {
        word = substr(line, RSTART, RLENGTH); line = substr(line, RSTART + RLENGTH)
        if (word ~ /passed/) passed += word + 0; else failed += word + 0
      }
    }
    /^check ok: / { passed++ }
    /^check FAILED: / { failed++ }
    /^check skipped: / { skipped++ }
    END { print passed + 0, failed + 0, skipped + 0 }' "$1")
  read -r PASSED_HERE FAILED_HERE SKIPPED_HERE <<<"$numbers"
  SKIPPED=$((SKIPPED + SKIPPED_HERE))
  if [ "$2" != 0 ] && [ "$FAILED_HERE" = 0 ]; then FAILED_HERE=1; fi
}

# check NAME COMMAND…: a check that is no test of a test runner; counts as one.
check() {
  local name=$1; shift
  if "$@"; then echo "check ok: $name"; else echo "check FAILED: $name"; return 1; fi
}

suite_fmt() {
  local bad=0
  check "rustfmt" cargo fmt --all --check || bad=1
  check "bash can read the scripts" readable dev .ci/run scripts/wasm-target scripts/*.sh scripts/agent-clis/install scripts/mcp-clients/install scripts/memory-clients/install scripts/bundle-tools/*.sh || bad=1
  return $bad
}
readable() { local script bad=0; for script in "$@"; do bash -n "$script" || bad=1; done; return $bad; }

# The desktop needs the system's webview: the suite `window` looks at it.
suite_clippy() { check "clippy without a warning" cargo clippy --quiet --workspace --exclude desktop --all-targets -- -D warnings; }

suite_unit() {
  local bad=0
  cargo nextest run -E 'not binary(layering)' || bad=1
  # The dashboard's own logic runs here on the host (that it compiles to wasm and works is the suite `ui`); the bench judges figures.
  cargo nextest run --package ui --package bench || bad=1
  check "protocol and engine compile for wasm32" env RUSTC="$WASM_RUSTC" cargo check --quiet --package protocol --package engine \
    --target wasm32-unknown-unknown --target-dir "$TARGET/wasm-check" || bad=1
  return $bad
}

suite_layering() { cargo nextest run --package system-tests --test layering; }

suite_deny() {
  local bad=0
  deny_program || return
  check "licences, duplicate bans and sources" cargo-deny --log-level error check --hide-inclusion-graph licenses bans sources || bad=1
  # The advisory database is a git repository on a public forge, which not every machine can reach.
  if limited 60 cargo-deny --log-level error fetch db >"$LOGS/deny-fetch.log" 2>&1; then
    check "no known advisory" cargo-deny --log-level error check --disable-fetch advisories || bad=1
  else
    echo "check skipped: advisories (the advisory database cannot be fetched from here; see $LOGS/deny-fetch.log)"
  fi
  return $bad
}

DENY_VERSION=0.20.2
deny_program() {
  local own=$TOOLS/cargo-deny-$DENY_VERSION
  export PATH="$own/bin:$PATH"
  [ "$(cargo-deny --version 2>/dev/null)" = "cargo-deny $DENY_VERSION" ] && return
  say "deny: building cargo-deny $DENY_VERSION (about three minutes of processor time, once)"
  # Its dependencies are of no use to ours: a folder of its own, thrown away.
  cargo install --quiet --locked "cargo-deny@$DENY_VERSION" --root "$own" --target-dir "$TARGET/cargo-deny" && rm -rf "$TARGET/cargo-deny"
}

# Whole-system suites start the real programs from TARGET/debug: these must be of this very source, the dashboard inside.
programs() {
  build_ui --release
  cargo build --package daemon --package testkit --bins
}

# Every test named slow_* in a crate; `deploy` is those of the crate deploy.
suite_slow() { programs && cargo nextest run --profile slow -E 'test(/(^|::)slow_/) and not package(system-tests)'; }
suite_deploy() { programs && cargo nextest run --profile slow --package deploy; }
suite_loop() { programs && cargo nextest run --profile slow --package system-tests -E 'binary(/^loop_/)'; }
# The daemon that can be ended at each of its moments.
faults() { cargo build --package daemon --features faults --bin loopwrightd-faults; }
suite_crash() {
  programs && faults &&
    cargo nextest run --profile slow --package system-tests -E 'binary(/^crash_/)'
}
suite_memory() {
  # LightRAG clients that others wrote, from the package registry at pinned versions.
  "$REPO/scripts/memory-clients/install" "$TOOLS" && programs &&
    cargo nextest run --profile slow --package system-tests -E 'binary(/^memory_/)'
}
suite_mcp() {
  # Clients that others wrote, from the package registries at pinned versions: about two hundred megabytes, once.
  "$REPO/scripts/mcp-clients/install" "$TOOLS" "$NODE_BIN" && programs &&
    cargo nextest run --profile slow --package system-tests -E 'binary(/^bridges_/)'
}
suite_agents() {
  # The real command lines, from the package registry at pinned versions: a few hundred megabytes, once.
  "$REPO/scripts/agent-clis/install" "$TOOLS" "$NODE_BIN" && programs &&
    cargo nextest run --profile slow -E 'binary(/^agents_real/)'
}
suite_conformance() {
  . "$REPO/scripts/conformance.sh"
  local bad=0
  conformance_programs && conformance_run "all()" || bad=1
  conformance_table || bad=1
  return $bad
}
# The desktop in a display and a session bus of its own.
suite_window() {
  local bad=0
  part desktop desktop_part; part window window_part
  build_ui --desktop --release && programs && faults && cargo build --package desktop --bin loopwright || return
  check "clippy of the desktop without a warning" cargo clippy --quiet --package desktop --all-targets -- -D warnings || bad=1
  check "clippy of the window's pages without a warning" cargo clippy --quiet --package ui --features desktop --all-targets -- -D warnings || bad=1
  cargo nextest run --package ui --features desktop || bad=1
  in_a_display cargo nextest run --profile slow --package desktop --ignore-default-filter || bad=1
  in_a_display cargo nextest run --profile slow --package system-tests -E 'binary(/^window_/)' || bad=1
  return $bad
}
in_a_display() { GTK_A11Y=none NO_AT_BRIDGE=1 dbus-run-session -- xvfb-run -a -s "-screen 0 1440x900x24" "$@"; }
# Real servers to throw away: root, and a minute or two for the first image of each Debian.
suite_server() {
  # Two tests at a time, and one server leads to another.
  programs && faults && LOOPWRIGHT_SERVER_SLOTS=4 cargo nextest run --profile slow --package system-tests -E 'binary(/^server_/)'
}
# The pages of the desktop's window are among them, with a scripted program behind them.
suite_ui() { build_ui --desktop --release && programs && cargo nextest run --profile slow --package system-tests -E 'binary(/^ui_/)'; }
# Release builds of everything, which take a quarter of an hour: only when it is asked for. The installer on a bare Debian 12.
suite_bundle() {
  . "$REPO/scripts/bundle.sh"
  bundle && cargo build --package testkit --bins &&
    LOOPWRIGHT_BUNDLE=$BUNDLE cargo nextest run --profile slow --package system-tests -E 'binary(/^bundle_/)'
}
