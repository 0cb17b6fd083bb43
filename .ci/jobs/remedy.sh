#!/usr/bin/env bash
# A crate that uses this runtime without the feature `tokio-compat`, and a timer of tokio's in a task: the report of the
# panic names the feature, and so does the compiler where `#[runtime::main]` asks for it. Tests in the workspace are always
# built with it.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cp Cargo.lock "$work/"
cat >"$work/Cargo.toml" <<END
[package]
name = "remedy"
edition = "2024"
[dependencies]
runtime = { path = "$root/runtime" }
tokio = { version = "1", features = ["time"] }
END
cat >"$work/src/main.rs" <<'END'
#[runtime::main]
async fn main() {
    let task = runtime::spawn(async { tokio::time::sleep(std::time::Duration::from_millis(1)).await });
    println!("{}", task.await.unwrap_err());
}
END
CARGO_TARGET_DIR=$target/remedy cargo run -q --manifest-path "$work/Cargo.toml" >"$work/stdout" 2>"$work/stderr" ||
    { cat "$work/stderr"; exit 1; }
cat "$work/stdout" "$work/stderr"
grep -q 'panicked with message .*feature `tokio-compat`' "$work/stdout"
# Two, and not once for each report. A stall would have help of its own.
[ "$(grep -c '^  help: .*tokio' "$work/stderr")" -eq 2 ]
grep -q '^  help: .*enable the feature `tokio-compat`' "$work/stderr"

# main <option>: the crate with that option, checked.
main() {
    printf '#[runtime::main(%s)]\nasync fn main() {}\n' "$1" >"$work/src/main.rs"
    CARGO_TARGET_DIR=$target/remedy cargo check -q --manifest-path "$work/Cargo.toml" 2>"$work/stderr"
}
main 'tokio_compat = false' || { cat "$work/stderr"; exit 1; }
! main 'tokio_compat = true' || { echo "compiled without the feature"; exit 1; }
cat "$work/stderr"
# The one error, at the option.
[ "$(grep -c '^error: `tokio_compat = true` needs the feature `tokio-compat`' "$work/stderr")" -eq 1 ]
! grep -q '^error\[' "$work/stderr"
grep -q -- '--> .*main.rs:1:17' "$work/stderr"
