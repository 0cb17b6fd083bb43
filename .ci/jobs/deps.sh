#!/usr/bin/env bash
# What the runtime links: no second reactor, no second pool, of tokio only traits; and each dependency has its reason
# in docs/architecture.md.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
failed=0
complain() { echo "$*"; failed=1; }

foreign='^(async-(executor|global-executor|io|std|process|fs|net)|blocking|compio|futures-executor|glommio|io-uring|monoio|polling|rayon|rayon-core|smol|threadpool|tokio-uring|uring)$'
default=$(cargo tree -p runtime -e normal --prefix none --no-dedupe --format '{p}' | cut -d' ' -f1 | sort -u)
# All but the two features that are there to link somebody else's threads, tokio's and rayon's: see docs/architecture.md.
features=$(features_of runtime | grep -vxE "tokio-compat|rayon" | paste -sd, -)
all=$(cargo tree -p runtime -e normal --features "$features" --prefix none --no-dedupe --format '{p}' | cut -d' ' -f1 | sort -u)

if grep -qx tokio <<<"$default"; then complain "tokio is linked with default features"; fi
for name in $(grep -E "$foreign" <<<"$all"); do complain "a second reactor or pool: $name"; done
# With default features each dependency is named; with others, those that a feature names.
for name in $default; do
    grep -q "\`$name\`" docs/architecture.md || complain "docs/architecture.md does not give the reason for $name"
done

# tokio_with <features>: the features that tokio is linked with.
tokio_with() {
    cargo tree -p runtime -e normal --features "$1" --prefix none --no-dedupe --format '{p}|{f}' |
        sed -n 's/^tokio v[^|]*|//p' | tr ',' '\n' | sort -u
}
for feature in $(tokio_with "$features"); do
    case $feature in
    bytes | default | io-util | macros | pin-project-lite | sync | tokio-macros) ;;
    *) complain "tokio is linked with $feature, which is more than traits, sync primitives and macros" ;;
    esac
done
# With it: a runtime of one thread, its reactor and its timers.
for feature in $(tokio_with tokio-compat); do
    case $feature in
    libc | mio | net | pin-project-lite | rt | socket2 | time | windows-sys) ;;
    *) complain "with tokio-compat tokio is linked with $feature, which is more than it needs" ;;
    esac
done

echo "$(wc -w <<<"$default") crates with default features, $(wc -w <<<"$all") with all but tokio-compat and rayon"
exit $failed
