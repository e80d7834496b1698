//! Serves a Nitro Secure Module for one guest: `serve SOCKET ROOT`, where ROOT is the file that the root certificate of its
//! documents is written to (DER).

use std::error::Error;
use std::sync::Arc;

use pcrseal_core::pcr::Pcr;
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(socket), Some(root)) = (arguments.next(), arguments.next()) else {
        return Err("usage: serve SOCKET ROOT".into());
    };
    let authority = Authority::new(&Clock::system())?;
    std::fs::write(root, authority.root_der())?;
    let image = [0xa0, 0xa1, 0xa2].map(|byte| Pcr::new([byte; 48]));
    let nsm = Nsm::boot(&authority, NsmConfig::new(image))?;
    pcrseal_guest_device::serve(socket, Arc::new(nsm))?.wait()?;
    Ok(())
}
