//! Guests under QEMU, emulated in software: no KVM is needed, and none is used.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

use crate::Failure;
use crate::console::{Console, Line};
use crate::process::{program, with_tail};
use crate::tools::Tools;

/// How long a guest may run. Ours: twenty times what the slower machine takes on two free cores.
pub(crate) const BOOT_LIMIT: Duration = Duration::from_secs(180);
/// How often QEMU's memory is looked at.
const SAMPLE: Duration = Duration::from_millis(100);
const MEMORY: &str = "512M";
/// What the kernel says then (Linux, `kernel/panic.c`).
const PANIC: &str = "Kernel panic - not syncing";

/// What an enclave image is booted as on the machine `nitro-enclave`.
pub(crate) struct Enclave<'a> {
    pub(crate) eif: &'a Path,
    pub(crate) module_id: &'a str,
    pub(crate) role_arn: &'a str,
    pub(crate) instance_id: &'a str,
}

/// What is booted on the machine `q35`, which measures nothing: the module behind `nsm` is told what to say.
pub(crate) struct Plain<'a> {
    pub(crate) initrd: &'a Path,
    pub(crate) command_line: &'a str,
    /// The socket of a Nitro Secure Module.
    pub(crate) nsm: &'a Path,
}

/// A guest that runs. It is killed when this value is dropped.
pub(crate) struct Machine {
    child: Child,
    console: Console,
    start: Instant,
}

/// How a guest ended.
pub(crate) struct Run {
    pub(crate) lines: Vec<Line>,
    pub(crate) log: PathBuf,
    pub(crate) elapsed: Duration,
    /// Most memory that QEMU had, the guest's within it, in KiB.
    pub(crate) qemu_peak_kib: u64,
}

impl Machine {
    /// Boots an enclave image.
    pub(crate) fn boot_enclave(
        tools: &Tools,
        enclave: &Enclave<'_>,
        vsock: &Path,
        log: &Path,
    ) -> Result<Self, Failure> {
        let mut qemu = qemu(tools);
        // acpi=on: Debian's kernel finds virtio-mmio devices through ACPI alone (no
        // CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES). The machine then has no timer to calibrate the processor's by: the
        // kernel's command line says 1 GHz, which is one instruction a nanosecond.
        qemu.args(["-icount", "shift=0", "-M"]).arg(format!(
            "nitro-enclave,acpi=on,vsock=vsock,id={},parent-role={},parent-id={}",
            enclave.module_id, enclave.role_arn, enclave.instance_id
        ));
        qemu.args(["-m", MEMORY, "-nographic", "-kernel"]).arg(enclave.eif);
        qemu.arg("-chardev").arg(chardev("vsock", vsock));
        Self::start(qemu, log)
    }

    /// Boots a kernel and a ramdisk, with a Nitro Secure Module of ours.
    pub(crate) fn boot_plain(
        tools: &Tools,
        plain: &Plain<'_>,
        vsock: &Path,
        log: &Path,
    ) -> Result<Self, Failure> {
        let mut qemu = qemu(tools);
        // The devices are other processes, which see the guest's memory only where it is shared.
        qemu.args(["-M", "q35,memory-backend=memory", "-object"]);
        qemu.arg(format!("memory-backend-memfd,id=memory,size={MEMORY},share=on"));
        qemu.args(["-m", MEMORY, "-nodefaults", "-display", "none", "-vga", "none", "-serial", "stdio"]);
        qemu.arg("-kernel").arg(&tools.kernel).arg("-initrd").arg(plain.initrd);
        qemu.arg("-append").arg(plain.command_line);
        qemu.arg("-chardev")
            .arg(chardev("vsock", vsock))
            .args(["-device", "vhost-user-vsock-pci,chardev=vsock"]);
        // 33 is the virtio device id of a Nitro Secure Module (Linux, include/uapi/linux/virtio_ids.h).
        qemu.arg("-chardev").arg(chardev("nsm", plain.nsm));
        qemu.args(["-device", "vhost-user-device-pci,chardev=nsm,virtio-id=33,num_vqs=1"]);
        Self::start(qemu, log)
    }

    fn start(mut qemu: Command, log: &Path) -> Result<Self, Failure> {
        let start = Instant::now();
        // What QEMU itself complains about goes to the log, too, by a file of its own.
        let complaints = std::fs::File::create(log.with_extension("qemu"))?;
        let mut child = qemu.stdout(Stdio::piped()).stderr(complaints).spawn()?;
        let stream = child.stdout.take().ok_or("QEMU has no output")?;
        Ok(Self { child, console: Console::read(stream, log, start)?, start })
    }

    /// Waits until the guest has ended by itself.
    pub(crate) async fn end(&mut self) -> Result<Run, Failure> {
        let mut peak = 0;
        let ended = timeout(BOOT_LIMIT.saturating_sub(self.start.elapsed()), async {
            let mut tick = interval(SAMPLE);
            loop {
                tokio::select! {
                    status = self.child.wait() => return status,
                    _ = tick.tick() => peak = peak.max(peak_kib(&self.child)),
                }
            }
        });
        let status: ExitStatus = match ended.await {
            Ok(status) => status?,
            Err(_) => return Err(self.failure("the guest did not end in time")),
        };
        self.console.end().await?;
        if !status.success() {
            return Err(self.failure(&format!("QEMU: {status}")));
        }
        // A kernel that panics restarts, as one that was told to does: QEMU ends alike.
        if self.console.lines().iter().any(|line| line.text.contains(PANIC)) {
            return Err(self.failure("the guest's kernel panicked"));
        }
        Ok(Run {
            lines: self.console.lines(),
            log: self.console.log().to_owned(),
            elapsed: self.start.elapsed(),
            qemu_peak_kib: peak,
        })
    }

    /// What went wrong, with the end of the console.
    pub(crate) fn failure(&self, what: &str) -> Failure {
        let complaints =
            std::fs::read_to_string(self.console.log().with_extension("qemu")).unwrap_or_default();
        with_tail(&format!("{what}\n{complaints}"), self.console.log())
    }
}

/// The options that both machines share. `-no-reboot` ends QEMU where the guest restarts.
fn qemu(tools: &Tools) -> Command {
    let mut qemu = program(&tools.qemu);
    qemu.arg("-L").arg(&tools.firmware);
    qemu.args(["-accel", "tcg", "-cpu", "max", "-smp", "1", "-no-reboot"]);
    qemu
}

fn chardev(name: &str, socket: &Path) -> OsString {
    let mut text = OsString::from(format!("socket,id={name},path="));
    text.push(socket);
    text
}

/// The most memory that a process has had so far in KiB (`proc_pid_status(5)`, `VmHWM`); 0 when it is over.
fn peak_kib(child: &Child) -> u64 {
    let status = child.id().and_then(|id| std::fs::read_to_string(format!("/proc/{id}/status")).ok());
    let value = status.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("VmHWM:")));
    value.and_then(|text| text.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}
