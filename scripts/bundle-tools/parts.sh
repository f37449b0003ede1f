# Sourced by scripts/bundle.sh. The programs that bundles are made with, at fixed versions, checked against hashes that are
# kept here, so that no registry is trusted.
#
# To raise the bundler's version: take the hashes from `npm view @tauri-apps/cli@VERSION dist.integrity` and the same of the
# two others (base64 there, hexadecimal here).

BUNDLER_VERSION=2.12.5
BUNDLER_SHA512=0e6f2cff86a2139d87b0187e1b3dee4ab87e7c4ca4448080d55a009d003cd08a87a1346770f83eab8ac6bee866c8db0750f83742b3e352b4d449f5a65cb55513
BUNDLER_SHA512_x64=388ba7e7be10b142f1699e5298f0d7e03f1b3bde51066609b21bbcc86172d114b208c284b3fcbea37053868b787db0afe2db42d53aba1f3b744111d7088829ef
BUNDLER_SHA512_arm64=55bed295b21696622a7a47ec1984fae301f5710360e4c113f171724faa5495527b63fcfa2ec3888783146a5d19e4508f2fcdc632e114371a58507a6ddfab5e1d

zig_part() {
  local pinned; pinned=$(sha256 <"$REPO/scripts/bundle-tools/requirements.txt" | cut -c1-12)
  ZIG=$TOOLS/zig-$pinned
  if [ ! -e "$ZIG/.complete" ]; then
    python3 -c 'import ensurepip, venv' 2>/dev/null || fail "Python with venv is needed" "apt-get install python3-venv"
    say "  zig: installing (about 450 MB)"
    rm -rf "$ZIG"
    python3 -m venv "$ZIG"
    "$ZIG/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
      -r "$REPO/scripts/bundle-tools/requirements.txt" >&2 || fail "pip could not install zig" "read the error above"
    : >"$ZIG/.complete"
  fi
  FOUND="zig $("$ZIG/bin/python" -m ziglang version), $("$ZIG/bin/cargo-zigbuild" --version)"
}

bundler_part() {
  local folder=$TOOLS/bundler-$BUNDLER_VERSION
  BUNDLER=$folder/node_modules/@tauri-apps/cli/tauri.js
  export PATH=$NODE_BIN:$PATH
  if [ ! -e "$folder/.complete" ]; then
    rm -rf "$folder"; mkdir -p "$folder"
    case $(uname -s)-$(uname -m) in
      Linux-x86_64) take_bundler "$folder" x64 "$BUNDLER_SHA512_x64" ;;
      Linux-aarch64) take_bundler "$folder" arm64 "$BUNDLER_SHA512_arm64" ;;
      # The hashes are Linux's; elsewhere it is the version that is fixed.
      *) npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error "@tauri-apps/cli@$BUNDLER_VERSION" >&2 ||
        fail "npm could not install the bundler" "read the error above" ;;
    esac
    : >"$folder/.complete"
  fi
  FOUND=$("$NODE_BIN/node" "$BUNDLER" --version)
}

take_bundler() { # FOLDER ARCH SHA512
  take_package "$1" @tauri-apps/cli "$BUNDLER_SHA512"
  take_package "$1" "@tauri-apps/cli-linux-$2-gnu" "$3"
}

take_package() { # FOLDER NAME SHA512
  local file
  file=$(cd "$1" && npm pack --silent "$2@$BUNDLER_VERSION") || fail "npm could not fetch $2@$BUNDLER_VERSION" "read the error above"
  printf '%s  %s\n' "$3" "$1/$file" | sha512sum --check --status ||
    fail "$file is not the file that this project was tested with" "do not use that registry"
  mkdir -p "$1/node_modules/$2"
  tar -xzf "$1/$file" -C "$1/node_modules/$2" --strip-components=1 --no-same-owner
  rm "$1/$file"
}
