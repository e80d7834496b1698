//! What a verified document attests, as a table or as JSON.

use std::fmt::Write;

use pcrseal::core::attestation::{AttestationKind, Fingerprint, VerifiedAttestation};
use serde_json::{Map, Value, json};

/// Most bytes of an optional field that the table shows; JSON has all of them, at most 1024.
const TABLE_BYTES: usize = 48;

/// The facts, ready to print.
pub(super) struct Facts {
    kind: AttestationKind,
    module_id: String,
    instance_id: Option<String>,
    digest: String,
    timestamp_ms: u64,
    verified_at_ms: u64,
    chain_not_before: u64,
    chain_not_after: u64,
    debug: Option<bool>,
    pcrs: Vec<(u8, String)>,
    optional: [(&'static str, Option<Vec<u8>>); 3],
    root: String,
    cabundle_serials: Vec<String>,
    certificate_serial: String,
}

impl Facts {
    /// The facts of a document that was verified at a time in milliseconds since the epoch.
    pub(super) fn new(verified: &VerifiedAttestation<'_>, verified_at_ms: u64) -> Self {
        let kind = verified.kind();
        let owned = |field: Option<&[u8]>| field.map(<[u8]>::to_vec);
        Self {
            kind,
            module_id: verified.module_id().to_owned(),
            instance_id: verified.instance_id().map(str::to_owned),
            digest: verified.digest().to_owned(),
            timestamp_ms: verified.timestamp_ms(),
            verified_at_ms,
            chain_not_before: verified.chain_not_before(),
            chain_not_after: verified.chain_not_after(),
            // What PCR0..2 say about debug mode, they say of enclaves alone.
            debug: (kind == AttestationKind::Enclave).then(|| verified.pcrs().is_debug()),
            pcrs: verified.pcrs().iter().map(|(index, pcr)| (index.get(), hex(pcr.as_bytes()))).collect(),
            optional: [
                ("public_key", owned(verified.public_key())),
                ("user_data", owned(verified.user_data())),
                ("nonce", owned(verified.nonce())),
            ],
            // A verified chain has a root.
            root: verified.cabundle().first().map(|der| Fingerprint::of(der).to_string()).unwrap_or_default(),
            cabundle_serials: verified.cabundle_serials().iter().map(|serial| hex(serial)).collect(),
            certificate_serial: hex(verified.leaf_serial()),
        }
    }

    /// Aligned rows, a name and a value each.
    pub(super) fn table(&self) -> String {
        let mut rows = vec![
            ("module id".to_owned(), self.module_id.escape_debug().to_string()),
            ("instance id".to_owned(), self.instance_id.as_deref().unwrap_or("-").to_owned()),
            ("kind".to_owned(), self.kind_name().to_owned()),
            (
                "debug mode".to_owned(),
                self.debug.map_or("-", |debug| if debug { "YES" } else { "no" }).to_owned(),
            ),
            ("timestamp".to_owned(), time_and_ms(self.timestamp_ms)),
            ("verified at".to_owned(), time_and_ms(self.verified_at_ms)),
            ("chain valid from".to_owned(), time(self.chain_not_before.saturating_mul(1000))),
            ("chain valid to".to_owned(), time(self.chain_not_after.saturating_mul(1000))),
            ("digest".to_owned(), self.digest.clone()),
        ];
        rows.extend(self.pcrs.iter().map(|(index, value)| (format!("PCR{index}"), value.clone())));
        rows.extend(
            self.optional.iter().map(|(name, bytes)| (name.replace('_', " "), excerpt(bytes.as_deref()))),
        );
        rows.push(("root SHA-256".to_owned(), self.root.clone()));
        let positions = 0..self.cabundle_serials.len();
        rows.extend(
            positions
                .zip(&self.cabundle_serials)
                .map(|(at, serial)| (format!("CA {at} serial"), serial.clone())),
        );
        rows.push(("leaf serial".to_owned(), self.certificate_serial.clone()));
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        rows.iter().fold(String::new(), |mut table, (name, value)| {
            // Writing to a string cannot fail.
            let _ = writeln!(table, "{name:<width$}  {value}");
            table
        })
    }

    /// One JSON object. Its names do not change; new ones may be added.
    pub(super) fn json(&self) -> String {
        let pcrs: Map<String, Value> =
            self.pcrs.iter().map(|(index, value)| (index.to_string(), json!(value))).collect();
        let mut object = json!({
            "kind": self.kind_name(),
            "module_id": self.module_id,
            "instance_id": self.instance_id,
            "digest": self.digest,
            "debug_mode": self.debug,
            "timestamp_ms": self.timestamp_ms,
            "timestamp": rfc3339(self.timestamp_ms),
            "verified_at_ms": self.verified_at_ms,
            "verified_at": rfc3339(self.verified_at_ms),
            "chain_valid_from": rfc3339(self.chain_not_before.saturating_mul(1000)),
            "chain_valid_to": rfc3339(self.chain_not_after.saturating_mul(1000)),
            "pcrs": pcrs,
            "root_sha256": self.root,
            "cabundle_serials": self.cabundle_serials,
            "certificate_serial": self.certificate_serial,
        });
        if let Value::Object(object) = &mut object {
            for (name, bytes) in &self.optional {
                let bytes = bytes.as_ref().map(|bytes| json!({ "length": bytes.len(), "hex": hex(bytes) }));
                object.insert((*name).to_owned(), bytes.unwrap_or(Value::Null));
            }
        }
        format!("{object:#}\n")
    }

    fn kind_name(&self) -> &'static str {
        match self.kind {
            AttestationKind::Enclave => "enclave",
            AttestationKind::NitroTpm => "nitrotpm",
            _ => "unknown",
        }
    }
}

/// Length and hex digits of an optional field, cut short.
fn excerpt(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else { return "-".to_owned() };
    let (shown, dots) = match bytes.get(..TABLE_BYTES) {
        Some(start) if bytes.len() > TABLE_BYTES => (start, "…"),
        _ => (bytes, ""),
    };
    format!("{} bytes {}{dots}", bytes.len(), hex(shown)).trim_end().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn time(ms: u64) -> String {
    rfc3339(ms).unwrap_or_else(|| "after the year 9999".to_owned())
}

fn time_and_ms(ms: u64) -> String {
    format!("{} ({ms} ms)", time(ms))
}

/// The time as in RFC 3339, in UTC; `None` after the year 9999, which that format cannot say.
fn rfc3339(ms: u64) -> Option<String> {
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    (year <= 9999).then(|| {
        let fraction = if ms == 0 { String::new() } else { format!(".{ms:03}") };
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
    })
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March, so that a leap day is the last of its year, and in eras of 400 years, which
/// all have the same 146097 days.
const fn date(days: u64) -> (u64, u64, u64) {
    // From 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March on have 31, 30, 31, 30, 31 days, over and over: 153 in five.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    if month_from_march < 10 {
        (year, month_from_march + 3, day)
    } else {
        (year + 1, month_from_march - 9, day)
    }
}
