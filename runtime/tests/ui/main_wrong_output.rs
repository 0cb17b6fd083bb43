#[runtime::main]
async fn main() -> Result<(), std::io::Error> {
    runtime::spawn(async {}).await.unwrap();
    5
}
