#[runtime::main(colour = "red")]
fn main(x: u32) {}
