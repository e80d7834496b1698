//! Opening the device: what can be wrong with it, told apart.

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use pcrseal_core::attester::NitroSecureModule;
use pcrseal_core::error::Code;
use pcrseal_nitro::{DEVICE, Device, Nsm};

use crate::check::{Check, Outcome, done, equal, refused};
use crate::child::as_nobody;

pub(crate) const CHECKS: &[Check] = &[
    ("the_device_is_a_character_device_for_root_alone", the_device_is_for_root_alone),
    ("a_path_with_nothing_there_is_a_missing_device", nothing_there),
    ("files_folders_and_sockets_are_no_devices", other_kinds),
    ("another_user_has_no_permission_until_the_mode_gives_it", another_user),
    ("a_symbolic_link_leads_to_the_device", symbolic_link),
    ("another_character_device_is_found_out_by_the_first_request", another_device),
];

fn the_device_is_for_root_alone() -> Outcome {
    let metadata = fs::metadata(DEVICE).map_err(|error| format!("{DEVICE}: {error}"))?;
    equal("a character device", &true, &metadata.file_type().is_char_device())?;
    equal("mode", &0o600, &(metadata.permissions().mode() & 0o777))
}

fn nothing_there() -> Outcome {
    for path in ["/dev/there is no such device", "/no folder/nsm", "/init/nsm"] {
        refused(path, Code::NsmDeviceMissing, Device::open(path))?;
    }
    Ok(())
}

fn other_kinds() -> Outcome {
    let socket = "/tmp/socket";
    let _listener = UnixListener::bind(socket).map_err(|error| format!("{socket}: {error}"))?;
    for (path, kind) in [("/init", "a regular file"), ("/dev", "a directory"), (socket, "a socket")] {
        let error = refused(path, Code::NsmDeviceKind, Device::open(path))?.to_string();
        equal("the error names path and kind", &true, &(error.contains(path) && error.contains(kind)))?;
    }
    Ok(())
}

fn another_user() -> Outcome {
    let mode = |mode| {
        fs::set_permissions(DEVICE, Permissions::from_mode(mode)).map_err(|error| format!("chmod: {error}"))
    };
    equal("with mode 600", &Code::NsmDevicePermission.number(), &as_nobody("open")?)?;
    mode(0o666)?;
    let opened = as_nobody("open");
    let seeded = as_nobody("seed");
    mode(0o600)?;
    equal("with mode 666", &0, &opened?)?;
    // The module may be asked then; the kernel's pool is not for everybody to credit.
    equal("seeding the kernel", &Code::KernelEntropy.number(), &seeded?)
}

fn symbolic_link() -> Outcome {
    let link = "/tmp/nsm";
    symlink(DEVICE, link).map_err(|error| format!("{link}: {error}"))?;
    let nsm = done("opening", Nsm::open_at(link))?;
    done("DescribeNSM", nsm.describe()).map(|_| ())
}

fn another_device() -> Outcome {
    let nsm = done("opening", Nsm::open_at("/dev/null"))?;
    refused("DescribeNSM of /dev/null", Code::NsmIoctl, nsm.describe()).map(|_| ())
}
