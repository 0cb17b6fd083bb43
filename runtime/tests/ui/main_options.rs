#[runtime::main(threads = 2)]
async fn unknown() {}

#[runtime::main(multi_thread)]
async fn no_value() {}

#[runtime::main(flavor = "threaded")]
async fn unknown_flavor() {}

#[runtime::main(flavor = 1)]
async fn flavor_is_a_number() {}

#[runtime::main(worker_threads = 0)]
async fn no_worker() {}

#[runtime::main(worker_threads = "2")]
async fn workers_in_quotes() {}

#[runtime::main(flavor = "multi_thread", flavor = "multi_thread")]
async fn twice() {}

#[runtime::main(flavor = "current_thread", worker_threads = 2)]
async fn workers_of_a_single_thread() {}

#[runtime::main(crate = "not a path")]
async fn not_a_path() {}

#[runtime::main(worker_threads = 2 flavor = "multi_thread")]
async fn no_comma() {}

#[runtime::main(tokio_compat = yes)]
async fn neither_true_nor_false() {}

#[runtime::main(shutdown_timeout = , flavor = "current_thread")]
async fn no_time() {}

fn main() {}
