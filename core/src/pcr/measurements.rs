//! The measurements that `nitro-cli build-enclave` and `describe-eif` print as JSON.

use alloc::collections::BTreeSet;
use alloc::string::String;
use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Pcr, PcrIndex, PcrSet};
use crate::error::{Code, Error};
use crate::limits::MAX_MEASUREMENTS_JSON_LEN;

/// The hash, before the ` { ... }` with which nitro-cli prints it.
const HASH_ALGORITHM: &str = "Sha384";

impl PcrSet {
    /// Reads PCR0, PCR1, PCR2 and, for a signed image, PCR8 from the JSON that nitro-cli prints: an object
    /// with `Measurements`. Other fields beside `Measurements` are skipped.
    ///
    /// # Errors
    /// [`Code::TooLong`] beyond 64 KiB; [`Code::MeasurementsJson`] for anything but one JSON object, a name
    /// that occurs twice in an object, and nesting deeper than 128; [`Code::MeasurementsMissing`],
    /// [`Code::MeasurementsUnknown`], [`Code::MeasurementsAlgorithm`]; [`Code::PcrLength`], [`Code::PcrHex`].
    pub fn from_measurements_json(json: &[u8]) -> Result<Self, Error> {
        if json.len() > MAX_MEASUREMENTS_JSON_LEN {
            return Err(Error::number(Code::TooLong, "bytes", "at most 65536", json.len() as u64));
        }
        let printed: Printed =
            serde_json::from_slice(json).map_err(|_| Error::new(Code::MeasurementsJson))?;
        printed
            .measurements
            .ok_or_else(|| Error::field(Code::MeasurementsMissing, "Measurements"))?
            .into_set()
    }
}

/// The object that nitro-cli prints.
struct Printed {
    measurements: Option<Measurements>,
}

/// The object `Measurements`.
#[derive(Default)]
struct Measurements {
    hash_algorithm: Option<String>,
    pcr0: Option<String>,
    pcr1: Option<String>,
    pcr2: Option<String>,
    pcr8: Option<String>,
    unknown: Option<String>,
}

impl Measurements {
    fn into_set(self) -> Result<PcrSet, Error> {
        if let Some(unknown) = self.unknown {
            return Err(Error::text(
                Code::MeasurementsUnknown,
                "name",
                "HashAlgorithm, PCR0, PCR1, PCR2 or PCR8",
                &unknown,
            ));
        }
        let missing = |field| Error::field(Code::MeasurementsMissing, field);
        let algorithm = self.hash_algorithm.ok_or_else(|| missing("HashAlgorithm"))?;
        if algorithm.split(' ').next() != Some(HASH_ALGORITHM) {
            return Err(Error::text(
                Code::MeasurementsAlgorithm,
                "HashAlgorithm",
                HASH_ALGORITHM,
                &algorithm,
            ));
        }
        let required = [(0, "PCR0", self.pcr0), (1, "PCR1", self.pcr1), (2, "PCR2", self.pcr2)];
        let mut set = PcrSet::new();
        for (index, name, text) in required {
            set.insert(PcrIndex(index), Pcr::from_hex(&text.ok_or_else(|| missing(name))?)?);
        }
        if let Some(text) = self.pcr8 {
            set.insert(PcrIndex(8), Pcr::from_hex(&text)?);
        }
        Ok(set)
    }
}

impl<'de> Deserialize<'de> for Printed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PrintedVisitor)
    }
}

struct PrintedVisitor;

impl<'de> Visitor<'de> for PrintedVisitor {
    type Value = Printed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Printed, A::Error> {
        let mut printed = Printed { measurements: None };
        let mut names = Names::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == "Measurements" {
                printed.measurements = Some(map.next_value()?);
            } else {
                map.next_value::<Skipped>()?;
            }
            names.once(name)?;
        }
        Ok(printed)
    }
}

impl<'de> Deserialize<'de> for Measurements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MeasurementsVisitor)
    }
}

struct MeasurementsVisitor;

impl<'de> Visitor<'de> for MeasurementsVisitor {
    type Value = Measurements;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Measurements, A::Error> {
        let mut measurements = Measurements::default();
        let mut names = Names::default();
        while let Some(name) = map.next_key::<String>()? {
            let slot = match name.as_str() {
                "HashAlgorithm" => &mut measurements.hash_algorithm,
                "PCR0" => &mut measurements.pcr0,
                "PCR1" => &mut measurements.pcr1,
                "PCR2" => &mut measurements.pcr2,
                "PCR8" => &mut measurements.pcr8,
                _ => {
                    map.next_value::<Skipped>()?;
                    measurements.unknown = Some(name.clone());
                    names.once(name)?;
                    continue;
                }
            };
            *slot = Some(map.next_value()?);
            names.once(name)?;
        }
        Ok(measurements)
    }
}

/// Any JSON value, read for its form alone.
///
/// Not serde's `IgnoredAny` for containers: that is read without a depth limit and lets repeated names pass.
struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SkippedVisitor)
    }
}

struct SkippedVisitor;

impl<'de> Visitor<'de> for SkippedVisitor {
    type Value = Skipped;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_str<E>(self, _: &str) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_unit<E>(self) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Skipped, A::Error> {
        while items.next_element::<Skipped>()?.is_some() {}
        Ok(Skipped)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Skipped, A::Error> {
        let mut names = Names::default();
        while let Some(name) = map.next_key::<String>()? {
            names.once(name)?;
            map.next_value::<Skipped>()?;
        }
        Ok(Skipped)
    }
}

/// The names seen in one object.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn once<E: serde::de::Error>(&mut self, name: String) -> Result<(), E> {
        if self.0.insert(name) { Ok(()) } else { Err(E::custom("a name occurs twice")) }
    }
}
