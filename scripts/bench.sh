# Sourced by ./dev. Runs the benches: each prints its table and writes TARGET/bench/NAME.json. They are a program of the
# workspace, built optimised, because a figure of a debug build says nothing.

BENCHES=(spine memory agents server deploy hermes)

bench() { # [NAME…]
  local name known
  local -a wanted=("$@")
  [ $# -gt 0 ] || wanted=("${BENCHES[@]}")
  for name in "${wanted[@]}"; do
    known=; for known in "${BENCHES[@]}" ''; do [ "$known" != "$name" ] || break; done
    [ -n "$known" ] || fail "there is no bench '$name'" "./dev bench ${BENCHES[*]}"
  done
  setup
  export PATH="$NODE_BIN:$PATH" LOOPWRIGHT_NODE=$NODE_BIN LOOPWRIGHT_BENCH_OUT=$TARGET/bench
  grep -qs '"loopwright-bench"' "$REPO"/*/Cargo.toml "$REPO"/crates/*/Cargo.toml ||
    fail "this state of the project has no benches yet" "git log -- scripts/bench.sh"
  build_ui --release
  cargo build --quiet --release --package bench --package daemon --bins || fail "the benches could not be built" "read the error above"
  mkdir -p "$TARGET/bench"
  local failed=0
  for name in "${wanted[@]}"; do
    "$TARGET/release/loopwright-bench" "$name" || { say "bench $name failed"; failed=1; }
  done
  return "$failed"
}
