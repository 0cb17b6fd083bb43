#!/usr/bin/env bash
# What the runtime links: no second reactor, no second pool, of tokio only traits; and each dependency has its reason
# in docs/architecture.md.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
failed=0
complain() { echo "$*"; failed=1; }

foreign='^(async-(executor|global-executor|io|std|process|fs|net)|blocking|compio|futures-executor|glommio|io-uring|monoio|polling|rayon|rayon-core|smol|threadpool|tokio-uring|uring)$'
default=$(cargo tree -p runtime -e normal --prefix none --no-dedupe --format '{p}' | cut -d' ' -f1 | sort -u)
all=$(cargo tree -p runtime -e normal --all-features --prefix none --no-dedupe --format '{p}' | cut -d' ' -f1 | sort -u)

if grep -qx tokio <<<"$default"; then complain "tokio is linked with default features"; fi
for name in $(grep -E "$foreign" <<<"$all"); do complain "a second reactor or pool: $name"; done
# With default features each dependency is named; with others, those that a feature names.
for name in $default; do
    grep -q "\`$name\`" docs/architecture.md || complain "docs/architecture.md does not give the reason for $name"
done

runtime_features=$(cargo tree -p runtime -e normal --all-features --prefix none --no-dedupe --format '{p}|{f}' |
    sed -n 's/^tokio v[^|]*|//p' | tr ',' '\n' | sort -u)
for feature in $runtime_features; do
    case $feature in
    bytes | default | io-util | macros | pin-project-lite | sync | tokio-macros) ;;
    *) complain "tokio is linked with $feature, which is more than traits, sync primitives and macros" ;;
    esac
done

echo "$(wc -w <<<"$default") crates with default features, $(wc -w <<<"$all") with all"
exit $failed
