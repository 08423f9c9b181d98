# shellcheck shell=bash
# Shared by the tests that run in the container.
portal=http://127.0.0.1:3000

main_pid() { systemctl show --property MainPID --value tms-portal.service; }
as_portal() { runuser -u tms-portal -- "$@"; }
ready() { curl -sSf --max-time 30 "$portal/readyz"; }

# expect WHAT ACTUAL EXPECTED
expect() {
  [ "$2" = "$3" ] || {
    echo "$1: $2, expected $3"
    return 1
  }
}

# fails COMMAND...: succeeds if the command does not. (`!` alone would not end a script.)
fails() {
  if "$@"; then
    echo "succeeded: $*"
    return 1
  fi
}

# refuses_start CODE: a start ends with this exit code and is not repeated.
refuses_start() {
  fails systemctl restart tms-portal.service
  expect "restarts" "$(systemctl show --property NRestarts --value tms-portal.service)" 0
  expect "exit code" "$(systemctl show --property ExecMainStatus --value tms-portal.service)" "$1"
}

# none COMMAND...: succeeds if the command prints nothing.
none() {
  local printed
  printed=$("$@")
  expect "output of $*" "$printed" ""
}

# within SECONDS COMMAND...: until it succeeds.
within() {
  local end=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$end" ] || {
      echo "too late: $*"
      return 1
    }
    sleep 0.1
  done
}
