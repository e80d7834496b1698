//! Boots guests with a Nitro Secure Module under QEMU, plays their parent and AWS, and judges what they did.
//! `scripts/test-nitro-guest.sh` runs it; docs/TESTING.md explains it.

mod console;
mod image;
mod machine;
mod process;
mod ramdisk;
mod tools;
mod vsock;

use std::process::ExitCode;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let tools = tools::Tools::from_environment()?;
    let signer = image::Signer::new()?;
    let image = image::Image::build(
        &tools,
        &image::Content {
            name: "probe",
            init: &tools.probe,
            files: &[],
            arguments: "tsc_early_khz=1000000",
            signer: Some(&signer),
        },
    )
    .await?;
    println!("{:?}", image.measured);
    let vsock = vsock::Vsock::start(&tools, "probe").await?;
    let m = machine::Machine::boot_enclave(
        &tools,
        &machine::Enclave {
            eif: &image.eif,
            module_id: "i-0123456789abcdef0-enc0123456789abcde",
            role_arn: "arn:aws:iam::123456789012:role/test",
            instance_id: "i-0123456789abcdef0",
        },
        &vsock.socket(),
        &tools.output.join("probe.console"),
    )?;
    let run = m.end().await?;
    for line in run.lines {
        println!("{:?} {}", line.at, line.text);
    }
    println!("{:?} {} {}", run.elapsed, run.qemu_peak_kib, run.log.display());
    Ok(())
}
