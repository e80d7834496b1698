//! The program as the first process of a machine, as far as a namespace is like one: `unshare` makes it. The real thing is
//! the guest test (docs/TESTING.md).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Removes the folder when dropped.
struct Root(PathBuf);

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs the program as process 1 of new namespaces; `None` where that is not permitted and nobody insists.
fn as_first_process(argument: &str) -> Option<Output> {
    let namespaces = ["--map-root-user", "--mount", "--pid", "--fork", "--kill-child"];
    let possible = Command::new("unshare").args(namespaces).arg("true").output();
    if !possible.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "no namespaces here");
        eprintln!("skipped: no namespaces here");
        return None;
    }
    let program = [env!("CARGO_BIN_EXE_pcrseal-enclave"), argument];
    Some(Command::new("unshare").args(namespaces).args(program).output().unwrap())
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn it_takes_no_argument_from_the_kernel_and_says_which_duty_fails() {
    // In a user namespace nobody may mount devtmpfs: the first duty fails, and the machine is ended.
    let Some(output) = as_first_process("nomodules") else { return };
    let text = text(&output);
    assert!(text.contains("failed: start (1): first process: mount devtmpfs at /dev: "), "{text}");
    assert_eq!(restarted(&output), Some(1), "{:?} {text}", output.status);
}

/// SIGHUP is what the kernel makes of a restart in a namespace (`reboot_pid_ns`); `unshare` passes it on, one way or
/// another.
fn restarted(output: &Output) -> Option<i32> {
    output.status.signal().or_else(|| output.status.code().map(|code| code - 128))
}

#[test]
fn another_process_ends_nothing_and_misses_its_trust() {
    let root = Root(std::env::temp_dir().join(format!("pcrseal-no-trust-{}", std::process::id())));
    fs::create_dir(&root.0).unwrap();
    if Path::new(pcrseal_enclave::trust::PATH).exists() {
        eprintln!("skipped: this machine has a {}", pcrseal_enclave::trust::PATH);
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_pcrseal-enclave")).current_dir(&root.0).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("failed: trust (2): /etc/pcrseal/trust.json: No such file"),
        "{}",
        text(&output)
    );
}

#[test]
fn the_command_line_checks_a_trust_and_refuses_what_it_does_not_know() {
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_pcrseal-enclave")).args(arguments).output().unwrap()
    };
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/trust.json");
    let checked = run(&["check", example]);
    assert!(checked.status.success());
    assert!(String::from_utf8_lossy(&checked.stdout).contains("prod-eu-central-1-vault"));
    assert!(checked.stderr.is_empty());
    let founding = Root(std::env::temp_dir().join(format!("pcrseal-founding-{}", std::process::id())));
    fs::create_dir(&founding.0).unwrap();
    let file = founding.0.join("trust.json");
    fs::write(&file, fs::read_to_string(example).unwrap().replacen('{', "{\"may_generate\": true,", 1))
        .unwrap();
    let checked = run(&["check", file.to_str().unwrap()]);
    assert!(checked.status.success() && text(&checked).starts_with("warning: may_generate: "), "{checked:?}");
    assert_eq!(run(&["check", "/no such file"]).status.code(), Some(1));
    assert_eq!(run(&["--verbose"]).status.code(), Some(2));
    let version = run(&["--version"]);
    assert_eq!(String::from_utf8_lossy(&version.stdout), "pcrseal-enclave 0.1.0\n");
}
