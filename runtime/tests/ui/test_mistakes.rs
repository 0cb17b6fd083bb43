#[runtime::test]
fn not_async() {}

#[runtime::test]
async fn parameters(first: u32, second: u32) {}

#[runtime::test]
#[test]
async fn twice_a_test() {}

#[runtime::test(flavor = "current_thread", worker_threads = 2)]
async fn workers_of_a_single_thread() {}

fn main() {}
