// A key is not covariant: a value stored through the one type would be read through the other.
use runtime::task::LocalKey;

runtime::task_local! {
    static CALL: for<'a> fn(&'a str) -> &'a str;
}

fn store(key: &'static LocalKey<fn(&'static str) -> &'static str>) {
    key.sync_scope(|_| "kept", || {});
}

fn main() {
    store(&CALL);
}
