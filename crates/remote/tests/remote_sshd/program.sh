#!/bin/sh
# Plays the server's program: `setup begin` as root, and the verbs as the desktop's user. @D@ is the server's folder.
D=@D@
hello() { echo "{\"version\":\"0.2.0\",\"api\":1,\"sha256\":\"$(sha256sum "$D/current" | cut -c1-64)\",\"arch\":\"x86_64\",\"host\":\"box\",\"control\":\"$D/control.sock\",\"setup\":{\"state\":\"never\"}}"; }
case "$1" in
setup)
  if [ "$2" = plan ] && [ "$(id -u)" = 0 ]; then
    echo "$0 $*" >"$D/planned"; cat >>"$D/planned"
    echo '{"hash":"abc","steps":[]}'
    exit
  fi
  [ "$2" = begin ] && [ "$3" = --key ] && [ "$(id -u)" = 0 ] || { echo "begin as root" >&2; exit 2; }
  if [ -e "$D/refuse" ]; then cat "$D/refuse"; exit 3; fi
  cp "$0" "$D/current" && chmod 755 "$D/current"
  line="restrict,port-forwarding,command=\"$D/current ssh-entry\" $4"
  grep -qsF "$4" "$D/keys/loopwright-desk" || echo "$line" >>"$D/keys/loopwright-desk"
  chmod 644 "$D/keys/loopwright-desk"
  hello
  exit ;;
ssh-entry) ;;
*) exit 2 ;;
esac
echo "$SSH_ORIGINAL_COMMAND" >>"$HOME/verbs"
eval "set -- $SSH_ORIGINAL_COMMAND"
case "$1 $2" in
"hello ") hello ;;
"stdio ")
  exec perl -MIO::Socket::UNIX -e '
    $s = IO::Socket::UNIX->new(Peer => shift) or die "no daemon answers on the control socket\n";
    if (!fork) { while (sysread(STDIN, $b, 65536)) { syswrite($s, $b) } shutdown($s, 1); exit }
    while (sysread($s, $b, 65536)) { syswrite(STDOUT, $b) }' "$D/control.sock" ;;
"setup plan") cat >"$HOME/wish"; echo "Welcome"; echo '{"hash":"abc","steps":[]}' ;;
"setup apply")
  case "$*" in
  *abc*) echo '{"after":4}' ;;
  *) echo '{"hash":"def","steps":[]}'; exit 4 ;;
  esac ;;
"setup status")
  echo '{"seq":5,"at":1,"event":"step_started","step":"users","undo":false}'
  case "$*" in *--follow*)
    while [ ! -e "$D/go" ]; do sleep 0.02; done
    echo '{"seq":6,"at":2,"event":"finished","work":"apply","ok":true,"changes":1,"millis":9}' ;;
  esac ;;
"setup repair") echo "words" >&2; echo '{"obstacle":{"kind":"running","cause":"another set-up runs","action":"wait"}}'; exit 3 ;;
"setup export") mkdir -p "$HOME/exports"; echo content >"$HOME/exports/a b"; echo "{\"path\":\"$HOME/exports/a b\",\"bytes\":8,\"sha256\":\"x\"}" ;;
"put "*)
  f=$HOME/$2; touch "$f"; echo "{\"have\":$(($(wc -c <"$f")))}"
  cat >>"$f"
  [ "$(wc -c <"$f")" -ge "$3" ] || { echo "cut" >&2; exit 1; }
  [ "$(sha256sum "$f" | cut -c1-64)" = "$2" ] || { rm -f "$f"; echo "the hash is another" >&2; exit 1; }
  echo "{\"path\":\"$f\"}" ;;
"get "*) tail -c +$(($3 + 1)) "$2" ;;
*) echo "hello, stdio, setup, put, get" >&2; exit 2 ;;
esac
exit
