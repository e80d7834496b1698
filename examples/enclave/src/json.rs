//! JSON that has to be exactly what is expected: no other names, none twice, nothing behind the end.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_path_to_error::deserialize;

/// Reads a whole text. The types refuse unknown names (`deny_unknown_fields`); names that stand twice are refused by
/// serde's own code for structures, and by [`Ports`]; arrays in place of structures by [`Object`].
///
/// # Errors
/// The field, and what was expected and found there.
pub(crate) fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = deserialize(&mut reader).map_err(|error| match error.path().to_string().as_str() {
        "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    })?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

/// A structure that is written as a JSON object. Serde alone would take an array of its fields' values as well.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// A vsock port that somebody can listen on: not 0, and not `VMADDR_PORT_ANY` (Linux,
/// `include/uapi/linux/vm_sockets.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Port(pub(crate) u32);

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            port @ (0 | u32::MAX) => {
                Err(D::Error::custom(format_args!("expected a port 1..4294967294, found {port}")))
            }
            port => Ok(Self(port)),
        }
    }
}

/// Ports by name, each name once.
#[derive(Debug)]
pub(crate) struct Ports(pub(crate) BTreeMap<String, u32>);

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Ports;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of ports")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Ports, A::Error> {
                let mut ports = BTreeMap::new();
                while let Some((name, Port(port))) = entries.next_entry::<String, Port>()? {
                    if ports.contains_key(&name) {
                        return Err(A::Error::custom(format_args!(
                            "expected each name once, found {name} twice"
                        )));
                    }
                    ports.insert(name, port);
                }
                Ok(Ports(ports))
            }
        }

        deserializer.deserialize_map(Names)
    }
}
