//! Enclave images, and what they measure.

use std::path::{Path, PathBuf};

use pcrseal::core::pcr::PcrSet;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P384_SHA384};

use crate::Failure;
use crate::process::{output, program};
use crate::ramdisk::Ramdisk;
use crate::tools::Tools;

/// The console, an end that QEMU notices, and few words.
const COMMAND_LINE: &str = "console=ttyS0 reboot=t panic=-1 quiet loglevel=4";
/// Any time will do, as long as it is the same: it is measured.
const BUILD_TIME: &str = "2026-01-01T00:00:00+00:00";

/// An image: `eif_build` makes the measured file of the very kernel and ramdisks that are booted.
pub(crate) struct Image {
    pub(crate) eif: PathBuf,
    /// Both ramdisks in one file, as an enclave's kernel gets them.
    pub(crate) initrd: PathBuf,
    pub(crate) command_line: String,
    /// PCR0, PCR1 and PCR2, and PCR8 of a signed image, as `eif_build` printed them.
    pub(crate) measured: PcrSet,
}

/// Who signs an image.
pub(crate) struct Signer {
    key_pem: String,
    certificate_pem: String,
    pub(crate) certificate_der: Vec<u8>,
}

impl Signer {
    /// A new key of P-384, as AWS demands, and its certificate.
    pub(crate) fn new() -> Result<Self, Failure> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, "pcrseal guest test");
        let certificate = parameters.self_signed(&key)?;
        Ok(Self {
            key_pem: key.serialize_pem(),
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
        })
    }
}

/// What goes into an image: the first process, and files of its own.
pub(crate) struct Content<'a> {
    pub(crate) name: &'a str,
    pub(crate) init: &'a Path,
    /// Paths and contents, in folders that [`Image::build`] makes.
    pub(crate) files: &'a [(&'a str, &'a [u8])],
    /// More for the kernel's command line.
    pub(crate) arguments: &'a str,
    pub(crate) signer: Option<&'a Signer>,
}

impl Image {
    /// Builds an image in the output folder.
    pub(crate) async fn build(tools: &Tools, content: &Content<'_>) -> Result<Self, Failure> {
        let folder = tools.output.join(content.name);
        std::fs::create_dir_all(&folder)?;
        // As in images of nitro-cli: the first ramdisk belongs to the kernel (PCR1), the second is the application
        // (PCR2).
        let boot = boot_ramdisk(&tools.modules)?;
        let application = content
            .files
            .iter()
            .fold(
                Ramdisk::default()
                    .program("init", &std::fs::read(content.init)?)
                    .folder("etc")
                    .folder("etc/pcrseal"),
                |ramdisk, (path, bytes)| ramdisk.file(path, bytes),
            )
            .finish();
        let path = |name: &str| folder.join(name);
        let image = Self {
            eif: path("image.eif"),
            initrd: path("initrd"),
            command_line: [COMMAND_LINE, content.arguments].join(" ").trim_end().to_owned(),
            measured: PcrSet::new(),
        };
        std::fs::write(path("boot"), &boot)?;
        std::fs::write(path("application"), &application)?;
        std::fs::write(&image.initrd, [boot, application].concat())?;

        let mut eif_build = program(&tools.eif_build);
        eif_build.arg("--kernel").arg(&tools.kernel).args(["--cmdline", &image.command_line]);
        eif_build.arg("--ramdisk").arg(path("boot")).arg("--ramdisk").arg(path("application"));
        eif_build.args(["--name", content.name, "--version", "1", "--build-time", BUILD_TIME]);
        if let Some(signer) = content.signer {
            std::fs::write(path("key.pem"), &signer.key_pem)?;
            std::fs::write(path("certificate.pem"), &signer.certificate_pem)?;
            eif_build.arg("--private-key").arg(path("key.pem"));
            eif_build.arg("--signing-certificate").arg(path("certificate.pem"));
        }
        eif_build.arg("--output").arg(&image.eif);
        let measured = measurements(&output(eif_build).await?)?;
        Ok(Self { measured, ..image })
    }
}

/// What AWS's own boot ramdisk has: the places of the kernel's file systems, and its modules.
fn boot_ramdisk(modules: &Path) -> Result<Vec<u8>, Failure> {
    let mut ramdisk = ["dev", "proc", "sys", "modules"].into_iter().fold(Ramdisk::default(), Ramdisk::folder);
    let mut paths: Vec<_> =
        std::fs::read_dir(modules)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a module's name is not UTF-8")?;
        ramdisk = ramdisk.file(&format!("modules/{name}"), &std::fs::read(&path)?);
    }
    Ok(ramdisk.finish())
}

/// `eif_build` prints a line and then the measurements, without the object that nitro-cli puts around them.
fn measurements(printed: &str) -> Result<PcrSet, Failure> {
    let start = printed.find('{').ok_or_else(|| format!("eif_build printed no measurements: {printed}"))?;
    let json = printed.get(start..).unwrap_or_default().trim_end();
    Ok(PcrSet::from_measurements_json(format!("{{\"Measurements\":{json}}}").as_bytes())?)
}
