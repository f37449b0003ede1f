# Sourced by scripts/bundle.sh. Type-checks the desktop for the systems that this one cannot link for: what it says and asks
# of Windows and macOS exists there. That it works there is for a machine of that kind to say (docs/release.md).

check_elsewhere() {
  [ "$(uname -s)" = Linux ] || fail "this is made for Linux" "./dev bundle"
  part rust rust_part
  part packages packages_part
  part mingw mingw_part
  local bad=0
  std_for x86_64-pc-windows-gnu
  std_for aarch64-apple-darwin
  # Warnings count: what one system's build leaves unused is unused code there.
  check_for "Windows" x86_64-pc-windows-gnu || bad=1
  # No compiler of Apple's here: the C and Objective-C in some crates is left out, which a type-check does not miss.
  local cc=$REPO/scripts/bundle-tools/no-cc
  SDKROOT=/ CC_aarch64_apple_darwin=$cc AR_aarch64_apple_darwin=$cc CXX_aarch64_apple_darwin=$cc \
    check_for "macOS" aarch64-apple-darwin || bad=1
  return $bad
}

check_for() { # NAME TARGET
  local started; started=$(tenths)
  if RUSTFLAGS="-D warnings" cargo check --quiet --locked --package desktop --target "$2"; then
    echo "check ok: the desktop's types for $1 ($(seconds_since "$started"))"
  else
    echo "check FAILED: the desktop's types for $1"
    return 1
  fi
}

# `dlltool` for the compiler, `windres` for the program's icon, a C compiler for SQLite and ring.
mingw_part() {
  FOUND="gcc for Windows"
  has x86_64-w64-mingw32-gcc || has x86_64-w64-mingw32-gcc-win32 || install_packages gcc-mingw-w64-x86-64-win32
  has x86_64-w64-mingw32-windres || install_packages binutils-mingw-w64-x86-64
}
