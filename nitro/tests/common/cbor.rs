//! CBOR (RFC 8949) by hand: definite, shortest heads; the few cases that want others are written where they are used.

pub fn head(major: u8, value: usize) -> Vec<u8> {
    let major = major << 5;
    match value {
        0..=23 => vec![major | u8::try_from(value).unwrap()],
        24..=0xff => vec![major | 24, u8::try_from(value).unwrap()],
        _ => [&[major | 25][..], &u16::try_from(value).unwrap().to_be_bytes()].concat(),
    }
}

pub fn uint(value: usize) -> Vec<u8> {
    head(0, value)
}

pub fn bytes(content: &[u8]) -> Vec<u8> {
    [head(2, content.len()), content.to_vec()].concat()
}

pub fn text(content: &str) -> Vec<u8> {
    [head(3, content.len()), content.as_bytes().to_vec()].concat()
}

pub fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len()), items.concat()].concat()
}

pub fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    [head(5, entries.len()), pairs(entries)].concat()
}

/// A map of indefinite length.
pub fn map_indefinite(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    [vec![0xbf], pairs(entries), vec![0xff]].concat()
}

pub fn boolean(value: bool) -> Vec<u8> {
    vec![if value { 0xf5 } else { 0xf4 }]
}

fn pairs(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    entries.iter().flat_map(|(key, value)| [key.clone(), value.clone()].concat()).collect()
}
