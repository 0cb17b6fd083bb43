#!/usr/bin/env bash
# Documentation that names code names code that exists: each test in docs/ is in the tree, each file with an ordering
# comment is in docs/memory-ordering.md, each model and each mutant is in the README of loom-tests, and what a link
# leads to is there.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
failed=0
complain() { echo "$*"; failed=1; }

tests=0
while IFS= read -r reference; do
    path=${reference%%::*} name=${reference##*::}
    tests=$((tests + 1))
    [ -f "$path" ] && grep -qE "fn $name\b" "$path" || complain "no such test: $reference"
done < <(grep -ohE '`[a-z/_-]+\.rs::[a-z0-9_]+`' docs/*.md | tr -d '`')

while IFS= read -r file; do
    grep -qF "\`$file\`" docs/memory-ordering.md || complain "docs/memory-ordering.md does not list $file"
done < <(git grep -lE '// Ordering:' -- '*/src/*.rs' ':!benches' ':!loom-tests')

while IFS= read -r file; do
    grep -qF "\`$(basename "$file")\`" loom-tests/README.md || complain "loom-tests/README.md does not list $file"
done < <(git ls-files 'loom-tests/tests/*.rs' 'loom-tests/mutants/*.patch')

while IFS= read -r file; do
    while IFS= read -r link; do
        [ -e "$(dirname "$file")/${link%%#*}" ] || complain "$file links to $link, which is not there"
    done < <(grep -oE '\]\([^)]*\)' "$file" | sed 's/^](//; s/)$//' | grep -vE '^(https?:|#)')
done < <(git ls-files -co --exclude-standard '*.md')

echo "$tests tests named in docs/"
[ "$tests" -gt 0 ] && [ $failed -eq 0 ]
