//! Opening the device: what can be wrong with it, told apart.

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use pcrseal_core::attester::NitroSecureModule;
use pcrseal_core::error::Code;
use pcrseal_nitro::{DEVICE, Device, Nsm};

use crate::check::{Check, Outcome, done, equal, refused};
use crate::child::as_nobody;

/// A file that every image has.
const MODULE: &str = "/modules/10-virtio_mmio.ko.xz";
const FOLDER: &str = "/tmp";

pub(crate) const CHECKS: &[Check] = &[
    ("the_device_is_a_character_device_for_everybody", the_device_is_for_everybody),
    ("a_path_with_nothing_there_is_a_missing_device", nothing_there),
    ("files_folders_and_sockets_are_no_devices", other_kinds),
    ("a_running_program_is_no_device_that_opens", running_program),
    ("another_user_has_permission_until_the_mode_takes_it", another_user),
    ("another_user_may_not_seed_the_kernel", another_user_seeds),
    ("a_symbolic_link_leads_to_the_device", symbolic_link),
    ("another_character_device_is_found_out_by_the_first_request", another_device),
];

/// The driver gives its device this mode (Linux, `drivers/misc/nsm.c`).
const MODE: u32 = 0o666;

fn the_device_is_for_everybody() -> Outcome {
    let metadata = fs::metadata(DEVICE).map_err(|error| format!("{DEVICE}: {error}"))?;
    equal("a character device", &true, &metadata.file_type().is_char_device())?;
    equal("mode", &MODE, &(metadata.permissions().mode() & 0o777))
}

fn nothing_there() -> Outcome {
    for path in ["/dev/there is no such device", "/no folder/nsm", "/init/nsm"] {
        refused(path, Code::NsmDeviceMissing, Device::open(path))?;
    }
    Ok(())
}

fn other_kinds() -> Outcome {
    fs::create_dir_all(FOLDER).map_err(|error| format!("{FOLDER}: {error}"))?;
    let socket = "/tmp/socket";
    let _listener = UnixListener::bind(socket).map_err(|error| format!("{socket}: {error}"))?;
    for (path, kind) in [(MODULE, "a regular file"), ("/dev", "a directory"), (socket, "a socket")] {
        let error = refused(path, Code::NsmDeviceKind, Device::open(path))?.to_string();
        equal("the error names path and kind", &true, &(error.contains(path) && error.contains(kind)))?;
    }
    Ok(())
}

/// Linux lets nobody write to a program that runs (ETXTBSY), and says so before it looks at anything else.
fn running_program() -> Outcome {
    let error = refused("/init", Code::NsmDeviceOpen, Device::open("/init"))?.to_string();
    equal("the error names the path", &true, &error.contains("/init"))
}

fn another_user() -> Outcome {
    let chmod = |mode| {
        fs::set_permissions(DEVICE, Permissions::from_mode(mode)).map_err(|error| format!("chmod: {error}"))
    };
    equal("with the driver's mode", &0, &as_nobody("open")?)?;
    chmod(0o600)?;
    let refused = as_nobody("open");
    chmod(MODE)?;
    equal("with mode 600", &Code::NsmDevicePermission.number(), &refused?)
}

/// The module answers everybody; the kernel's pool is not for everybody to credit.
fn another_user_seeds() -> Outcome {
    equal("seeding the kernel", &Code::KernelEntropy.number(), &as_nobody("seed")?)
}

fn symbolic_link() -> Outcome {
    fs::create_dir_all(FOLDER).map_err(|error| format!("{FOLDER}: {error}"))?;
    let link = "/tmp/nsm";
    symlink(DEVICE, link).map_err(|error| format!("{link}: {error}"))?;
    let nsm = done("opening", Nsm::open_at(link))?;
    done("DescribeNSM", nsm.describe()).map(|_| ())
}

fn another_device() -> Outcome {
    let nsm = done("opening", Nsm::open_at("/dev/null"))?;
    refused("DescribeNSM of /dev/null", Code::NsmIoctl, nsm.describe()).map(|_| ())
}
