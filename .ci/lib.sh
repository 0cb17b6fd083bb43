# What the jobs share; sourced, not run. Goes to the root of the workspace and finds the target directory.
# A job that builds with other flags than a plain `cargo build` does so in a directory of its own below `target`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}

# install <command> <package>: installs a Debian package unless the command is there.
install() {
    command -v "$1" >/dev/null && return
    local root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    "${root[@]}" apt-get update -q && "${root[@]}" apt-get install -qy "$2"
}

# features_of <directory>: the features that the crate declares, but for `default`.
features_of() {
    awk '/^\[/ { inside = $0 == "[features]" } inside && /^[a-z0-9_-]+ *=/ && $1 != "default" { print $1 }' "$1/Cargo.toml"
}

# wait_until <seconds> <command...>: tries the command until it succeeds.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "gave up waiting for: $*"; return 1; }
        sleep 0.05
    done
}
