#!/usr/bin/env bash
# A hello-world on this runtime with default features, beside one on tokio `full` and one on smol: how many crates it
# brings in, not counting the runtime's own, and the CPU seconds of a clean release build. `hello.sh ROUNDS` builds
# each so often, in turn, and prints medians; one round unless told. Fails when there are more crates than tokio's.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
rounds=${1:-1}
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset RUSTFLAGS CARGO_TARGET_DIR

# hello <name> <dependency> <main>: writes the crate. All use the versions that the workspace is locked to.
hello() {
    mkdir -p "$work/$1/src"
    cp Cargo.lock "$work/$1/"
    printf '[package]\nname = "hello-%s"\nedition = "2024"\n[dependencies]\n%s\n' "$1" "$2" >"$work/$1/Cargo.toml"
    printf '%s\n' "$3" >"$work/$1/src/main.rs"
    (cd "$work/$1" && cargo fetch -q)
}
hello runtime "runtime = { path = \"$root/runtime\" }" \
    '#[runtime::main] async fn main() { println!("hello"); }'
hello tokio 'tokio = { version = "1", features = ["full"] }' \
    '#[tokio::main] async fn main() { println!("hello"); }'
hello smol 'smol = "2"' \
    'fn main() { smol::block_on(async { println!("hello"); }); }'

# A project's own crates, which are not counted.
declare -A own=(
    [runtime]='runtime|runtime-macros|reactor|reactor-hook|timer'
    [tokio]='tokio|tokio-macros'
    [smol]='smol|async-(channel|executor|fs|io|lock|net|process|signal|task)|atomic-waker|blocking|concurrent-queue|event-listener(-strategy)?|fastrand|futures-lite|parking|piper|polling'
)
count() {
    (cd "$work/$1" && cargo tree -e normal,build --prefix none --format '{p}') | cut -d' ' -f1,2 | sort -u |
        grep -vcE "^(hello-$1|${own[$1]}) "
}
# CPU milliseconds of cargo and of all that it starts.
build() {
    rm -rf "$work/$1/target"
    local TIMEFORMAT='%U %S'
    { time (cd "$work/$1" && cargo build -q --release 2>"$work/$1.log"); } 2>&1 |
        awk '{ printf "%d\n", ($1 + $2) * 1000 }'
}
median() { sort -n "$1" | awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'; }

for ((round = 0; round < rounds; round++)); do
    for name in runtime tokio smol; do
        build $name >>"$work/$name.ms"
    done
done
reference=$(median "$work/tokio.ms")
for name in runtime tokio smol; do
    milliseconds=$(median "$work/$name.ms")
    printf '%-8s %3d crates, %6.2f CPU seconds, %.2f of tokio\n' "$name" "$(count $name)" \
        "$(awk "BEGIN { print $milliseconds / 1000 }")" "$(awk "BEGIN { print $milliseconds / $reference }")"
    "$work/$name/target/release/hello-$name" | grep -qx hello
done
[ "$(count runtime)" -le "$(count tokio)" ]
