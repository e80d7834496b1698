//! The first process of a guest.
fn main() {
    if let Err(error) = pcrseal_enclave::init::start(&|line| println!("pcrseal-probe init: {line}")) {
        println!("pcrseal-probe init FAILED: {error}");
    }
    println!("pcrseal-probe end");
    pcrseal_enclave::init::end();
}
