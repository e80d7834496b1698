//! Serves the emulated KMS on loopback, for any AWS SDK.
#![forbid(unsafe_code)]

mod session;

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::pcr::Pcr;
use pcrseal_emulator::kms::{Kms, PolicyDocument, Principal, Quota};
use pcrseal_emulator::nsm::{Nsm, NsmConfig, NsmSocket};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "\
Serves an emulated AWS KMS over plain HTTP on a loopback address, for any AWS SDK. For tests only: it protects
nothing, and its keys are gone when it ends.

Usage: pcrseal-emulator [OPTIONS]

  --listen ADDRESS:PORT        where to listen (default 127.0.0.1:4599; loopback only; port 0 is any free one)
  --principal ID,SECRET,ARN    one more access key and the role or user it belongs to
                               (arn:aws:iam::ACCOUNT:role/NAME or …:user/NAME, or …:root for the account's root
                               user); may be repeated
  --iam-policy ARN,FILE        an IAM policy (JSON) of a principal; may be repeated. Principals without one are
                               administrators: they may do whatever key policies leave to IAM policies
  --role ARN                   one more role or user that exists, so that key policies may name it; may be repeated
  --attest KEY,FILE            reads a public key (SubjectPublicKeyInfo, DER) from KEY, and writes to FILE a document
                               that attests it, good for five minutes
  --nsm-socket PATH            serves the Nitro Secure Module of an enclave on a Unix socket, for pcrseal's NsmSocket;
                               for this user alone (mode 0600). A socket that nobody serves is replaced
  --pcr INDEX,HEX              PCR 0, 1, 2 or 8 of that enclave, 96 hex digits; may be repeated (default: PCR0, PCR1
                               and PCR2 are 48 bytes of a0, a1 and a2, PCR8 is zero)
  --session-out FILE           writes pcrseal's configuration (JSON) of a session with all this to FILE, once
                               everything listens: a script may wait for it. One that is there before is removed at
                               the start. Needs --keys and --nsm-socket; the access key is the default one
  --keys NUMBER                2 to 16 KMS keys for it, each in another region, of which more than half are needed.
                               They release data keys to that enclave alone, and never Encrypt
  --quota NUMBER               cryptographic operations that each account may ask for in a second in each region;
                               beyond it ThrottlingException (default: no limit)
  --region-delay REGION,MS     how many milliseconds every answer of a region waits; may be repeated
  --root-out FILE              where to write the root certificate of attestation documents, PEM
                               (default: printed)
  --help                       this text

Every region is there. Accounts are those of the principals; without --principal there is one in account
000000000000, and its access key is printed. CreateKey and PutKeyPolicy take key policies, and every request is
judged by the policy of its key, with the PCRs of the attestation document, and by the caller's IAM policies. A key
without a policy of its own has AWS's default one: IAM policies decide.

  aws --endpoint-url http://127.0.0.1:4599 kms create-key
";

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4599);
/// The access key of AWS's documentation: known to be no secret.
const DEFAULT_ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const DEFAULT_SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const DEFAULT_ARN: &str = "arn:aws:iam::000000000000:user/emulator";
/// The account of the default access key.
const ACCOUNT: &str = "000000000000";

/// Options that take a value.
const OPTIONS: [&str; 12] = [
    "--attest",
    "--iam-policy",
    "--keys",
    "--listen",
    "--nsm-socket",
    "--pcr",
    "--principal",
    "--quota",
    "--region-delay",
    "--role",
    "--root-out",
    "--session-out",
];

struct Options {
    listen: SocketAddr,
    principals: Vec<Principal>,
    iam_policies: Vec<(String, PathBuf)>,
    roles: Vec<String>,
    root_out: Option<PathBuf>,
    attest: Option<(PathBuf, PathBuf)>,
    nsm_socket: Option<PathBuf>,
    image: [Pcr; 3],
    signing_certificate: Option<Pcr>,
    keys: Option<usize>,
    session_out: Option<PathBuf>,
    quota: Option<Quota>,
    region_delays: Vec<(String, Duration)>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(mistake) => {
            eprintln!("pcrseal-emulator: {mistake} (--help shows the options)");
            return ExitCode::from(2);
        }
    };
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pcrseal-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the arguments; `None` asks for help.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options {
        listen: DEFAULT_LISTEN,
        principals: Vec::new(),
        iam_policies: Vec::new(),
        roles: Vec::new(),
        root_out: None,
        attest: None,
        nsm_socket: None,
        image: [0xa0, 0xa1, 0xa2].map(|byte| Pcr::new([byte; 48])),
        signing_certificate: None,
        keys: None,
        session_out: None,
        quota: None,
        region_delays: Vec::new(),
    };
    while let Some(name) = arguments.next() {
        if matches!(name.as_str(), "--help" | "-h") {
            return Ok(None);
        }
        if !OPTIONS.contains(&name.as_str()) {
            return Err(format!("unknown option {name:?}"));
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--listen" => {
                options.listen = value.parse().map_err(|_| format!("{value:?} is not ADDRESS:PORT"))?;
            }
            "--attest" => {
                let files = value.split_once(',').ok_or_else(|| format!("{value:?} is not KEY,FILE"))?;
                options.attest = Some((files.0.into(), files.1.into()));
            }
            "--iam-policy" => {
                let parts = value.split_once(',').ok_or_else(|| format!("{value:?} is not ARN,FILE"))?;
                options.iam_policies.push((parts.0.to_owned(), parts.1.into()));
            }
            "--keys" => {
                let number = value.parse().ok().filter(|number| session::KEYS.contains(number));
                options.keys = Some(number.ok_or_else(|| format!("{value:?} is not a number from 2 to 16"))?);
            }
            "--nsm-socket" => options.nsm_socket = Some(value.into()),
            "--pcr" => set_pcr(&mut options, &value)?,
            "--principal" => options.principals.push(parse_principal(&value)?),
            "--quota" => {
                let number = value.parse().map_err(|_| format!("{value:?} is not a number of requests"))?;
                options.quota = Some(Quota::per_second(number));
            }
            "--region-delay" => options.region_delays.push(parse_region_delay(&value)?),
            "--role" => options.roles.push(value),
            "--session-out" => options.session_out = Some(value.into()),
            _ => options.root_out = Some(value.into()),
        }
    }
    if options.keys.is_some() != options.session_out.is_some() {
        return Err("--keys and --session-out need each other".into());
    }
    if options.session_out.is_some() && options.nsm_socket.is_none() {
        return Err("--session-out needs --nsm-socket".into());
    }
    if options.session_out.is_some() && !options.principals.is_empty() {
        return Err("--session-out is for the default access key, not for those of --principal".into());
    }
    Ok(Some(options))
}

/// Sets a register of the enclave: those that the hypervisor measures the image into.
fn set_pcr(options: &mut Options, value: &str) -> Result<(), String> {
    let mistake = || format!("{value:?} is not INDEX,HEX");
    let (index, hex) = value.split_once(',').ok_or_else(mistake)?;
    let pcr = Pcr::from_hex(hex).map_err(|error| format!("--pcr {index}: {error}"))?;
    let [pcr0, pcr1, pcr2] = &mut options.image;
    match index {
        "0" => *pcr0 = pcr,
        "1" => *pcr1 = pcr,
        "2" => *pcr2 = pcr,
        "8" => options.signing_certificate = Some(pcr),
        _ => return Err(format!("--pcr sets PCR 0, 1, 2 and 8, not {index:?}")),
    }
    Ok(())
}

fn parse_principal(value: &str) -> Result<Principal, String> {
    match value.split(',').collect::<Vec<_>>().as_slice() {
        [id, secret, arn] if !id.is_empty() && !secret.is_empty() => {
            Principal::new(*id, *secret, *arn).map_err(|error| error.to_string())
        }
        // The value is not repeated: it may hold a secret.
        _ => Err("--principal needs ID,SECRET,ARN".into()),
    }
}

fn parse_region_delay(value: &str) -> Result<(String, Duration), String> {
    let delay = value.split_once(',').and_then(|(region, millis)| {
        let millis = Duration::from_millis(u64::from(millis.parse::<u32>().ok()?));
        (!region.is_empty()).then(|| (region.to_owned(), millis))
    });
    delay.ok_or_else(|| format!("{value:?} is not REGION,MS"))
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let mut terminated = signal(SignalKind::terminate())?;
    if let Some(file) = &options.session_out {
        session::remove(file)?;
    }
    let kms = Kms::builder().listen(options.listen).start().await?;
    kms.set_quota(options.quota);
    for (region, delay) in &options.region_delays {
        kms.set_region_delay(region, *delay);
    }
    println!("endpoint           {}", kms.endpoint());
    let mut principals = options.principals;
    let default = principals.is_empty();
    if default {
        principals.push(Principal::new(DEFAULT_ACCESS_KEY_ID, DEFAULT_SECRET_ACCESS_KEY, DEFAULT_ARN)?);
    }
    for (arn, file) in options.iam_policies {
        attach(&mut principals, &arn, &read_policy(&file)?)?;
    }
    for principal in principals {
        println!("access key id      {}", principal.access_key_id());
        if default {
            println!("secret access key  {DEFAULT_SECRET_ACCESS_KEY}");
        }
        println!("principal          {}", principal.arn());
        kms.add_principal(principal);
    }
    for arn in options.roles {
        kms.add_role(&arn)?;
        println!("role               {arn}");
    }
    let root = kms.authority().root_pem();
    match options.root_out {
        Some(file) => {
            write(&file, root.as_bytes())?;
            println!("root certificate   {}", file.display());
        }
        None => print!("{root}"),
    }
    let enclave = NsmConfig::new(options.image);
    let enclave = match options.signing_certificate {
        Some(value) => enclave.pcr8(value),
        None => enclave,
    };
    if let Some((key, file)) = options.attest {
        write(&file, &attest(&kms, enclave.clone(), &key)?)?;
        println!("document           {}", file.display());
    }
    // Served until the end.
    let _socket = match &options.nsm_socket {
        Some(path) => Some(serve(&kms, enclave, path)?),
        None => None,
    };
    if let (Some(socket), Some(file), Some(keys)) = (&options.nsm_socket, &options.session_out, options.keys)
    {
        let keys = session::create_keys(&kms, ACCOUNT, keys, &options.image)?;
        let credentials = (DEFAULT_ACCESS_KEY_ID, DEFAULT_SECRET_ACCESS_KEY);
        session::write(file, &session::document(&kms.endpoint(), credentials, socket, &keys)?)?;
        for key in keys {
            println!("key                {key}");
        }
        println!("session            {}", file.display());
    }
    println!("ready");
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    Ok(())
}

/// A document of an enclave that has just started, for the public key in a file.
fn attest(kms: &Kms, enclave: NsmConfig, key: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let key = std::fs::read(key).map_err(|error| format!("cannot read {}: {error}", key.display()))?;
    let enclave = Nsm::boot(kms.authority(), enclave)?;
    Ok(enclave.attest(&AttestationRequest { public_key: Some(&key), ..Default::default() })?)
}

/// Boots an enclave and serves its module.
fn serve(kms: &Kms, enclave: NsmConfig, path: &Path) -> Result<NsmSocket, Box<dyn Error>> {
    let nsm = Arc::new(Nsm::boot(kms.authority(), enclave)?);
    let id = nsm.module_id().to_owned();
    let socket = NsmSocket::serve(path, nsm)?;
    println!("nsm socket         {}", path.display());
    println!("nsm module id      {id}");
    Ok(socket)
}

fn read_policy(file: &Path) -> Result<PolicyDocument, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    PolicyDocument::parse(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Attaches an IAM policy to the principals of this ARN.
fn attach(principals: &mut [Principal], arn: &str, policy: &PolicyDocument) -> Result<(), String> {
    let mut attached = false;
    for principal in principals.iter_mut().filter(|principal| principal.arn().to_string() == arn) {
        *principal = principal.clone().iam_policy(policy.clone());
        attached = true;
    }
    if attached { Ok(()) } else { Err(format!("--iam-policy: there is no --principal {arn:?}")) }
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(file, bytes).map_err(|error| format!("cannot write {}: {error}", file.display()))
}
