//! The configuration as a JSON document: `docs/CONFIGURATION.md`.

use std::path::PathBuf;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use pcrseal_core::error::Error;
use pcrseal_core::limits::{MAX_SHARES, PCR_COUNT};
use pcrseal_core::names::Wrapping;
use zeroize::Zeroizing;

use super::check::{ATTEMPTS, BESIDE_HOST, LIMIT};
use super::json::Value;
use super::place::{Item, Object};
use super::{
    AttesterConfig, ClockConfig, Config, CredentialsConfig, KmsConfig, QuorumConfig, TransportConfig,
};
use crate::kms::limits::MAX_ATTEMPTS;
use crate::kms::{Address, VsockAddress};

#[cfg(doc)]
use pcrseal_core::error::Code;

impl Config {
    /// Reads the JSON document of `docs/CONFIGURATION.md`: at most 262144 bytes of UTF-8, nothing after it, no member that
    /// is not known or stands twice, no `null`, every value of its type and in its range.
    ///
    /// # Errors
    /// [`Code::ConfigTooLong`]; [`Code::ConfigSyntax`] with line and column; [`Code::ConfigMember`], [`Code::ConfigType`],
    /// [`Code::ConfigValue`] and [`Code::KmsRegion`] with the JSON pointer of the member. None quotes a value from inside
    /// `credentials`.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let document = Value::read(json)?;
        let config = config(&Item::whole(&document).object()?)?;
        config.check()?;
        Ok(config)
    }
}

fn config(object: &Object<'_>) -> Result<Config, Error> {
    object.only(&[
        "cluster",
        "seal_quorum",
        "unseal_quorums",
        "minimum_generation",
        "required_pcrs",
        "allow_debug_mode",
        "seal_id",
        "external_aad",
        "allow_vouched_reseal",
        "attester",
        "clock",
        "transport",
        "kms",
        "credentials",
        "deadline_ms",
        "hedge_delay_ms",
    ])?;
    let transport = object.read("transport", transport)?.unwrap_or_default();
    if let (TransportConfig::Host, Some(item)) = (transport, object.get("kms")) {
        return Err(item.excluded(BESIDE_HOST));
    }
    let default = Config::default();
    let generation = |item: &Item<'_>| item.integer(0..=u64::MAX, "0..18446744073709551615");
    Ok(Config {
        cluster: text(&object.demand("cluster")?)?,
        seal_quorum: object.read("seal_quorum", quorum)?,
        unseal_quorums: object.read("unseal_quorums", |item| item.array(quorum))?.unwrap_or_default(),
        minimum_generation: object
            .read("minimum_generation", generation)?
            .unwrap_or(default.minimum_generation),
        required_pcrs: object.read("required_pcrs", indices)?.unwrap_or(default.required_pcrs),
        allow_debug_mode: flag(object, "allow_debug_mode")?,
        seal_id: object.read("seal_id", |item| item.decoded(seal_id, "32 hex digits"))?,
        external_aad: object
            .read("external_aad", |item| item.decoded(base64, "base64, with padding"))?
            .unwrap_or_default(),
        vouched_reseal: flag(object, "allow_vouched_reseal")?,
        attester: object.read("attester", attester)?.unwrap_or_default(),
        clock: object.read("clock", clock)?.unwrap_or_default(),
        transport,
        kms: object.read("kms", kms)?.unwrap_or_default(),
        credentials: object.read("credentials", credentials)?,
        deadline: limit(object, "deadline_ms")?.unwrap_or(default.deadline),
        hedge_delay: limit(object, "hedge_delay_ms")?,
    })
}

fn quorum(item: &Item<'_>) -> Result<QuorumConfig, Error> {
    let object = item.object()?;
    object.only(&["threshold", "keys", "wrapping", "allow_multi_region", "allow_single_share"])?;
    let wrapping = |item: &Item<'_>| item.choice(Wrapping::from_name, "\"attested\" or \"encrypt\"");
    Ok(QuorumConfig {
        threshold: object.demand("threshold")?.integer(1..=MAX_SHARES as u64, "1..16")?,
        keys: object.demand("keys")?.array(text)?,
        wrapping: object.read("wrapping", wrapping)?.unwrap_or_default(),
        allow_multi_region: flag(&object, "allow_multi_region")?,
        allow_single_share: flag(&object, "allow_single_share")?,
    })
}

fn attester(item: &Item<'_>) -> Result<AttesterConfig, Error> {
    enum Kind {
        Nsm,
        NsmSocket,
        NitroTpm,
    }
    let object = item.object()?;
    let kind = |text: &str| match text {
        "nsm" => Some(Kind::Nsm),
        "nsm_socket" => Some(Kind::NsmSocket),
        "nitro_tpm" => Some(Kind::NitroTpm),
        _ => None,
    };
    match object.demand("kind")?.choice(kind, "\"nsm\", \"nsm_socket\" or \"nitro_tpm\"")? {
        Kind::Nsm => {
            object.only(&["kind", "device"])?;
            let device = object.read("device", path)?;
            Ok(device.map_or_else(AttesterConfig::default, |device| AttesterConfig::Nsm { device }))
        }
        Kind::NsmSocket => {
            object.only(&["kind", "path"])?;
            Ok(AttesterConfig::NsmSocket { path: path(&object.demand("path")?)? })
        }
        Kind::NitroTpm => {
            object.only(&["kind", "tool", "device", "pcrs", "measured_pcrs", "scratch", "time_limit_ms"])?;
            Ok(AttesterConfig::NitroTpm {
                tool: object.read("tool", path)?,
                device: object.read("device", path)?,
                pcrs: object.read("pcrs", path)?,
                measured_pcrs: object.read("measured_pcrs", indices)?,
                scratch: object.read("scratch", path)?,
                time_limit: limit(&object, "time_limit_ms")?,
            })
        }
    }
}

fn clock(item: &Item<'_>) -> Result<ClockConfig, Error> {
    let clock = |text: &str| match text {
        "attested" => Some(ClockConfig::Attested),
        "system" => Some(ClockConfig::System),
        _ => None,
    };
    item.choice(clock, "\"attested\" or \"system\"")
}

fn transport(item: &Item<'_>) -> Result<TransportConfig, Error> {
    let transport = |text: &str| match text {
        "own" => Some(TransportConfig::Own),
        "host" => Some(TransportConfig::Host),
        _ => None,
    };
    item.choice(transport, "\"own\" or \"host\"")
}

fn kms(item: &Item<'_>) -> Result<KmsConfig, Error> {
    let object = item.object()?;
    object.only(&[
        "endpoint",
        "region_endpoints",
        "vsock",
        "fips",
        "dual_stack",
        "root_certificates_pem",
        "connect_timeout_ms",
        "tls_timeout_ms",
        "answer_timeout_ms",
        "body_timeout_ms",
        "operation_timeout_ms",
        "attempts",
    ])?;
    let pem = |item: &Item<'_>| Ok(item.text()?.as_bytes().to_vec());
    Ok(KmsConfig {
        endpoint: object.read("endpoint", text)?,
        region_endpoints: object
            .read("region_endpoints", |item| item.object()?.map(text))?
            .unwrap_or_default(),
        vsock: object.read("vsock", |item| item.object()?.map(vsock))?.unwrap_or_default(),
        fips: flag(&object, "fips")?,
        dual_stack: flag(&object, "dual_stack")?,
        root_certificates_pem: object
            .read("root_certificates_pem", |item| item.array(pem))?
            .unwrap_or_default(),
        connect_timeout: limit(&object, "connect_timeout_ms")?,
        tls_timeout: limit(&object, "tls_timeout_ms")?,
        answer_timeout: limit(&object, "answer_timeout_ms")?,
        body_timeout: limit(&object, "body_timeout_ms")?,
        operation_timeout: limit(&object, "operation_timeout_ms")?,
        attempts: object.read("attempts", |item| item.integer(1..=u64::from(MAX_ATTEMPTS), ATTEMPTS))?,
    })
}

fn credentials(item: &Item<'_>) -> Result<CredentialsConfig, Error> {
    enum Source {
        Static,
        Environment,
        Feed,
        FeedFile,
        Imds,
        Container,
    }
    let object = item.object()?;
    let source = |text: &str| match text {
        "static" => Some(Source::Static),
        "environment" => Some(Source::Environment),
        "feed" => Some(Source::Feed),
        "feed_file" => Some(Source::FeedFile),
        "imds" => Some(Source::Imds),
        "container" => Some(Source::Container),
        _ => None,
    };
    let sources = "\"static\", \"environment\", \"feed\", \"feed_file\", \"imds\" or \"container\"";
    Ok(match object.demand("source")?.choice(source, sources)? {
        Source::Static => {
            object.only(&["source", "access_key_id", "secret_access_key", "session_token"])?;
            CredentialsConfig::Static {
                access_key_id: text(&object.demand("access_key_id")?)?,
                secret_access_key: secret(&object.demand("secret_access_key")?)?,
                session_token: object.read("session_token", secret)?,
            }
        }
        Source::Environment => {
            object.only(&["source"])?;
            CredentialsConfig::Environment
        }
        Source::Feed => {
            object.only(&["source", "address"])?;
            CredentialsConfig::Feed(address(&object.demand("address")?)?)
        }
        Source::FeedFile => {
            object.only(&["source", "path"])?;
            CredentialsConfig::FeedFile(path(&object.demand("path")?)?)
        }
        Source::Imds => {
            object.only(&["source", "through", "role"])?;
            CredentialsConfig::Imds {
                through: object.read("through", address)?,
                role: object.read("role", text)?,
            }
        }
        Source::Container => {
            object.only(&["source", "url", "authorization_token_file", "through"])?;
            CredentialsConfig::Container {
                url: object.read("url", text)?,
                authorization_token_file: object.read("authorization_token_file", path)?,
                through: object.read("through", address)?,
            }
        }
    })
}

/// `{"vsock": {…}}`, `{"tcp": {…}}` or `{"unix": "…"}`.
fn address(item: &Item<'_>) -> Result<Address, Error> {
    let object = item.object()?;
    object.one_of(&["vsock", "tcp", "unix"], "one of vsock, tcp and unix")?;
    if let Some(item) = object.get("vsock") {
        return vsock(&item).map(Address::Vsock);
    }
    if let Some(item) = object.get("tcp") {
        let tcp = item.object()?;
        tcp.only(&["host", "port"])?;
        let port = tcp.demand("port")?.integer(1..=u64::from(u16::MAX), "1..65535")?;
        return Ok(Address::Tcp(text(&tcp.demand("host")?)?, port));
    }
    path(&object.demand("unix")?).map(Address::Unix)
}

fn vsock(item: &Item<'_>) -> Result<VsockAddress, Error> {
    let object = item.object()?;
    object.only(&["cid", "port"])?;
    let number = |name| object.demand(name)?.integer(0..=u64::from(u32::MAX), "0..4294967295");
    Ok(VsockAddress { cid: number("cid")?, port: number("port")? })
}

fn text(item: &Item<'_>) -> Result<String, Error> {
    item.text().map(str::to_owned)
}

fn path(item: &Item<'_>) -> Result<PathBuf, Error> {
    item.text().map(PathBuf::from)
}

fn secret(item: &Item<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
    Ok(Zeroizing::new(item.text()?.as_bytes().to_vec()))
}

fn indices(item: &Item<'_>) -> Result<Vec<u8>, Error> {
    item.array(|item| item.integer(0..=PCR_COUNT as u64 - 1, "0..31"))
}

/// `false` when it is absent.
fn flag(object: &Object<'_>, name: &str) -> Result<bool, Error> {
    object.read(name, Item::boolean).map(Option::unwrap_or_default)
}

/// A time in milliseconds; [`Config::check`] judges it.
fn limit(object: &Object<'_>, name: &str) -> Result<Option<Duration>, Error> {
    let milliseconds = object.read(name, |item| item.integer(0..=u64::MAX, LIMIT))?;
    Ok(milliseconds.map(Duration::from_millis))
}

/// 32 hex digits of either case.
fn seal_id(text: &str) -> Option<[u8; 16]> {
    let is_hex = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).ok().filter(|_| is_hex)?;
    Some(number.to_be_bytes())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}
