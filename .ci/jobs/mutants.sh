#!/usr/bin/env bash
# Applies each patch of loom-tests/mutants to a copy of the tree and expects the model that it names to fail.
# An argument chooses patches by their name's beginning: `mutants.sh task`.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
limit=180
copy=$target/mutants/tree
mkdir -p "$copy"
export CARGO_TARGET_DIR=$target/mutants/target RUSTFLAGS="--cfg runtime_loom"
# The copy is no repository, and lies inside of one that `git apply` must not find.
export GIT_CEILING_DIRECTORIES=$target/mutants

# Files of the copy that differ are written anew, so that their time tells cargo what to rebuild.
git ls-files -co --exclude-standard | while IFS= read -r file; do
    [ -f "$file" ] || continue
    cmp -s "$file" "$copy/$file" && continue
    mkdir -p "$copy/$(dirname "$file")"
    cp "$file" "$copy/$file"
done
(cd "$copy" && find . -type f) | while IFS= read -r file; do
    [ -f "$file" ] || rm "$copy/$file"
done

total=0 killed=0
for patch in loom-tests/mutants/"${1:-}"*.patch; do
    [ -f "$patch" ] || continue
    total=$((total + 1))
    name=$(basename "$patch" .patch)
    patch=$PWD/$patch
    model=$(sed -n '/^diff --git/q; s/^test: *//p' "$patch")
    start=$SECONDS
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
            result=killed killed=$((killed + 1))
        fi
        (cd "$copy" && git apply -R "$patch")
    fi
    printf '%4d s  %-44s %s: %s\n' $((SECONDS - start)) "$name" "${model:-?}" "$result"
done
echo "killed $killed of $total mutants"
[ "$total" -gt 0 ] && [ "$killed" -eq "$total" ]
