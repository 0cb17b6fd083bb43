#!/usr/bin/env bash
# Applies each patch of loom-tests/mutants to a copy of the tree and expects the model that it names to fail.
# An argument chooses patches by their name's beginning: `mutants.sh task`. There is a lane a core, each with a copy of
# its own; they take the patches in turn.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
limit=180
lanes=$(nproc)
export RUSTFLAGS="--cfg runtime_loom"
# The copies are no repositories, and lie inside of one that `git apply` must not find.
export GIT_CEILING_DIRECTORIES=$target/mutants

# copy_to <directory>: files that differ are written anew, so that their time tells cargo what to rebuild.
copy_to() {
    local copy=$1
    mkdir -p "$copy"
    git ls-files -co --exclude-standard | while IFS= read -r file; do
        [ -f "$file" ] || continue
        cmp -s "$file" "$copy/$file" && continue
        mkdir -p "$copy/$(dirname "$file")"
        cp "$file" "$copy/$file"
    done
    (cd "$copy" && find . -type f) | while IFS= read -r file; do
        [ -f "$file" ] || rm "$copy/$file"
    done
}

# try <copy> <patch>: prints what became of it.
try() {
    local copy=$1 patch=$2 model result output
    local start=$SECONDS
    model=$(sed -n '/^diff --git/q; s/^test: *//p' "$patch")
    if [ -z "$model" ]; then
        result="names no test"
    elif ! (cd "$copy" && git apply "$patch"); then
        result="does not apply"
    else
        if ! output=$(cd "$copy" && cargo test -q -p loom-tests --release --test "$model" --no-run 2>&1); then
            result="does not compile"
            echo "$output"
        elif output=$(cd "$copy" && timeout "$limit" cargo test -q -p loom-tests --release --test "$model" 2>&1); then
            result=SURVIVED
        elif [ $? -eq 124 ]; then
            result="not decided in $limit s"
        else
            result=killed
        fi
        (cd "$copy" && git apply -R "$patch")
    fi
    printf '%4d s  %-44s %s: %s\n' $((SECONDS - start)) "$(basename "$patch" .patch)" "${model:-?}" "$result"
}

mapfile -t patches < <(find "$PWD/loom-tests/mutants" -name "${1:-}*.patch" | sort)
lane() {
    export CARGO_TARGET_DIR=$target/mutants/target-$1
    copy_to "$target/mutants/tree-$1"
    for ((i = $1; i < ${#patches[@]}; i += lanes)); do
        try "$target/mutants/tree-$1" "${patches[i]}"
    done
}

results=$(mktemp)
trap 'rm -f "$results"' EXIT
for ((l = 0; l < lanes; l++)); do
    lane "$l" | tee -a "$results" &
done
wait
killed=$(grep -c ': killed$' "$results" || true)
echo "killed $killed of ${#patches[@]} mutants"
[ "${#patches[@]}" -gt 0 ] && [ "$killed" -eq "${#patches[@]}" ]
