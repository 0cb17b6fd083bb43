// What stays on its thread is for `spawn_local`.
fn main() {
    let shared = std::rc::Rc::new(1);
    runtime::spawn(async move { *shared });
}
