// One attestation document with what a relying party would know of it: a genuine one where
// ../shared/vectors lies beside the checkout, one of the emulator's otherwise. For the tutorial, the memory
// tests and the benchmarks, which include this file.

/// A document, the root that it chains to, a time at which it verifies, and what it holds.
pub struct Sample {
    pub document: Vec<u8>,
    pub root: Vec<u8>,
    pub at_ms: u64,
    pub pcr0: pcrseal_core::pcr::Pcr,
    pub nonce: Vec<u8>,
}

impl Sample {
    pub fn new() -> Self {
        Self::genuine().unwrap_or_else(Self::generated)
    }

    pub fn genuine() -> Option<Self> {
        let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = ["..", "../.."]
            .map(|up| package.join(up).join("shared/vectors/attestation/2024-10-28_prod_b8cfafe7.cbor"))
            .into_iter()
            .find(|file| file.is_file())?;
        // Facts of this document: index.json beside it.
        let pcr0 = "dce041872408e890aafd7c0185cdfc4f6802c1073816c7e32f6d5b4784511da4aadf06e3f3fb3c26d3b036ac2d0726d0";
        Some(Self {
            document: std::fs::read(file).unwrap(),
            root: pcrseal_core::attestation::AWS_NITRO_ENCLAVES_ROOT_G1.to_vec(),
            at_ms: 1_730_141_656_206,
            pcr0: pcrseal_core::pcr::Pcr::from_hex(pcr0).unwrap(),
            nonce: b"cc6b95ef-a0d7-477d-90f2-36cc088d2449".to_vec(),
        })
    }

    pub fn generated() -> Self {
        use pcrseal_core::attester::{AttestationRequest, Attester};
        use pcrseal_core::pcr::Pcr;
        use pcrseal_emulator::Clock;
        use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};

        let clock = Clock::system();
        let authority = Authority::new(&clock).unwrap();
        let image = [1, 2, 3].map(|byte| Pcr::new([byte; 48]));
        let nsm = Nsm::boot(&authority, NsmConfig::new(image)).unwrap();
        let nonce = b"a challenge of the relying party".to_vec();
        let request = AttestationRequest { public_key: Some(&[4; 65]), nonce: Some(&nonce), user_data: None };
        let document = nsm.attest(&request).unwrap();
        Self {
            document,
            root: authority.root_der().to_vec(),
            at_ms: clock.now_millis(),
            pcr0: image[0],
            nonce,
        }
    }
}
