//! Every policy that the profiles render, in every combination of their options.

use std::fs;
use std::path::Path;

use pcrseal_core::error::Error;
use pcrseal_core::names::{ClusterId, Wrapping};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};
use pcrseal_policy::names::{AccountId, PrincipalArn};
use pcrseal_policy::render::{BreakGlass, Hardened, Release, Rendered, Template};

use crate::pair::KEY_ACCOUNT;
use crate::words::{ADMINISTRATOR_ROLE, CLUSTER, CURRENT, ENCLAVE_ROLE, PARTNER_ROLE, PREVIOUS};

/// Every policy, by a name that says which.
pub(crate) fn all() -> Vec<(String, Rendered)> {
    let mut all = Vec::new();
    for options in 0..4 {
        all.push(five_statement(options).expect("a policy"));
        all.push(multi_pcr(options).expect("a policy"));
    }
    for place in [Place::Enclave, Place::NitroTpm, Place::OtherAccount] {
        all.extend((0..128).filter_map(|options| hardened(place, options).expect("a policy")));
    }
    // The partition is part of ARNs alone.
    all.extend(
        [0, 127]
            .into_iter()
            .filter_map(|options| hardened(Place::OtherPartition, options).expect("a policy")),
    );
    all
}

/// Writes NAME.json and NAME.tf for each into a directory.
pub(crate) fn write(directory: &Path) {
    let all = all();
    for (name, rendered) in &all {
        for (extension, text) in [("json", &rendered.json()), ("tf", &rendered.terraform)] {
            let path = directory.join(name).with_extension(extension);
            fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
    println!("{} rendered policies", all.len());
}

/// Options by their bits, named in the order of the bits.
struct Options {
    bits: usize,
    name: String,
}

impl Options {
    /// Whether the next option is chosen.
    fn next(&mut self, name: &str) -> bool {
        let chosen = self.bits & 1 == 1;
        self.bits >>= 1;
        if chosen {
            self.name.push('-');
            self.name.push_str(name);
        }
        chosen
    }
}

fn five_statement(bits: usize) -> Result<(String, Rendered), Error> {
    let release = |image: &str| enclave(image, &[]);
    let template = Template::five_statement(account()?, cluster()?, release(CURRENT)?)?;
    template_with(template, Options { bits, name: "five-statement".into() }, release)
}

fn multi_pcr(bits: usize) -> Result<(String, Rendered), Error> {
    let release = |image: &str| enclave(image, &[2, 8]);
    let template = Template::multi_pcr(account()?, cluster()?, release(CURRENT)?)?;
    template_with(template, Options { bits, name: "multi-pcr".into() }, release)
}

fn template_with(
    template: Template,
    mut options: Options,
    release: impl Fn(&str) -> Result<Release, Error>,
) -> Result<(String, Rendered), Error> {
    let mut template = template.wrapping(Wrapping::Encrypt);
    if options.next("previous") {
        template = template.previous(release(PREVIOUS)?)?;
    }
    if options.next("elsewhere") {
        template = template
            .partition("aws-us-gov")
            .administrator_role("KeyAdmin")
            .enclave_role_prefix("Enclave-")
            .terraform_name("vault_key-1")?;
    }
    Ok((options.name, template.render()?))
}

/// What runs where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Enclave,
    NitroTpm,
    /// An enclave of another account.
    OtherAccount,
    /// An enclave, all in another partition.
    OtherPartition,
}

/// `None` for what cannot be rendered: a role of another account that disables keys.
fn hardened(place: Place, bits: usize) -> Result<Option<(String, Rendered)>, Error> {
    let partition = |arn: &str| match place {
        Place::OtherPartition => PrincipalArn::new(&arn.replace("arn:aws:", "arn:aws-cn:")),
        _ => PrincipalArn::new(arn),
    };
    let enclave_role = if place == Place::OtherAccount { PARTNER_ROLE } else { ENCLAVE_ROLE };
    let mut options = Options { bits, name: format!("hardened-{place:?}").to_lowercase() };
    let large = options.next("large");
    let release = |image| match (place, large) {
        (Place::NitroTpm, _) => Release::nitro_tpm(&pcrs(image, if large { &[4, 7, 14] } else { &[4] })?),
        (_, true) => enclave(image, &[1, 2, 3, 4, 8]),
        (_, false) => Release::enclave(Pcr::from_hex(image)?),
    };
    let mut administrators = vec![partition(ADMINISTRATOR_ROLE)?];
    if large {
        administrators.push(partition("arn:aws:iam::111122223333:role/team/KeyAdmin")?);
    }
    let role = partition(enclave_role)?;
    let mut policy = Hardened::new(account()?, cluster()?, role, administrators, release(CURRENT)?)?;
    if large {
        policy = policy.generations([7, 8])?.terraform_name("vault_key-1")?;
    } else {
        policy = policy.generations([7])?;
    }
    if options.next("encrypt") {
        policy = policy.wrapping(Wrapping::Encrypt);
    }
    if options.next("previous") {
        policy = policy.previous(release(PREVIOUS)?)?;
    }
    if options.next("iam") {
        policy = policy.break_glass(BreakGlass::Iam);
    }
    if options.next("sealed") {
        policy = policy.outside_seal_window();
    }
    if options.next("deletion") {
        policy = policy.allow_deletion();
    }
    if options.next("disabling") {
        if place == Place::OtherAccount {
            return Ok(None);
        }
        policy = policy.allow_enclave_to_disable()?;
    }
    Ok(Some((options.name, policy.render()?)))
}

fn account() -> Result<AccountId, Error> {
    AccountId::new(KEY_ACCOUNT)
}

fn cluster() -> Result<ClusterId, Error> {
    ClusterId::new(CLUSTER)
}

/// An image whose PCRs are all alike.
fn enclave(image: &str, indices: &[u64]) -> Result<Release, Error> {
    let release = Release::enclave(Pcr::from_hex(image)?)?;
    pcrs(image, indices)?.iter().try_fold(release, |release, (index, &value)| release.accept(index, value))
}

fn pcrs(value: &str, indices: &[u64]) -> Result<PcrSet, Error> {
    let value = Pcr::from_hex(value)?;
    indices.iter().map(|&index| Ok((PcrIndex::try_from(index)?, value))).collect()
}
