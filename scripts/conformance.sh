# Sourced by ./dev and scripts/test.sh. The conformance suite: every scenario with the real agents' command lines, against a
# scripted service, in a network that holds nothing but loopback. The programs are installed once.

# conformance [--docs] [AGENT…]: runs it for these agents, or for all; --docs writes docs/conformance.md from this run.
conformance() {
  local docs= agent filter= code=0
  if [ "${1:-}" = --docs ]; then docs=1; shift; fi
  for agent in "$@"; do
    case $agent in
      claude-code | codex | gemini-cli | qwen-code | kimi-code) filter="$filter${filter:+ or }test(=${agent//-/_})" ;;
      *) fail "there is no agent '$agent'" "./dev conformance claude-code codex gemini-cli qwen-code kimi-code" ;;
    esac
  done
  [ -z "$docs" ] || [ -z "$filter" ] || fail "the page in docs/ holds all agents" "./dev conformance --docs"
  setup tests
  export PATH="$NODE_BIN:$PATH" LOOPWRIGHT_NODE=$NODE_BIN
  conformance_programs || fail "the agents' programs could not be installed" "read the error above"
  conformance_run "${filter:-all()}" || code=$?
  conformance_table ${docs:+--docs "$REPO/docs/conformance.md" --date "$(date +%F)"} || code=1
  return "$code"
}

conformance_programs() { "$REPO/scripts/agent-clis/install" "$TOOLS" "$NODE_BIN"; }

conformance_run() { # FILTER
  local rows=$TARGET/conformance
  rm -rf "$rows"
  LOOPWRIGHT_CONFORMANCE_OUT=$rows cargo nextest run --profile slow --package system-tests --success-output final \
    -E "binary(=conformance_agents) and ($1)"
}

conformance_table() { # [--docs FILE --date DAY]
  cargo run --quiet --package testkit --bin conformance-table -- --rows "$TARGET/conformance" --json "$TARGET/conformance.json" "$@"
}
