//! Certificates to be signed, in the shape of the AWS Nitro Attestation PKI: DER trees that any fault can be
//! written into.

use super::der_tree::Node;

/// Within the validity of every certificate here: 2023-11-14T22:13:20Z.
pub const AT: u64 = 1_700_000_000;
pub const CA_NOT_BEFORE: &[u8] = b"231110000000Z";
pub const CA_NOT_AFTER: &[u8] = b"231130000000Z";
pub const LEAF_NOT_BEFORE: &[u8] = b"231114221317Z";
pub const LEAF_NOT_AFTER: &[u8] = b"231115011317Z";

/// Positions in a `TBSCertificate` of version 3.
pub const VERSION: usize = 0;
pub const SERIAL: usize = 1;
pub const SIGNATURE: usize = 2;
pub const ISSUER: usize = 3;
pub const VALIDITY: usize = 4;
pub const SUBJECT: usize = 5;
pub const SPKI: usize = 6;
pub const EXTENSIONS: usize = 7;

/// Extensions, `id-ce` plus this (RFC 5280 section 4.2.1).
pub const KEY_USAGE: u8 = 15;
pub const BASIC_CONSTRAINTS: u8 = 19;
pub const NAME_CONSTRAINTS: u8 = 30;
pub const EXTENDED_KEY_USAGE: u8 = 37;
/// Not assigned.
pub const UNKNOWN: u8 = 99;

pub fn seq(children: impl Into<Vec<Node>>) -> Node {
    Node::Constructed(0x30, children.into())
}

pub fn oid(contents: &[u8]) -> Node {
    Node::Primitive(6, contents.to_vec())
}

pub fn bits(contents: &[u8]) -> Node {
    Node::Primitive(3, [&[0], contents].concat())
}

/// `ecdsa-with-SHA384` (RFC 5758 section 3.2).
pub fn ecdsa_with_sha384() -> Node {
    seq([oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3])])
}

/// `ecdsa-with-SHA256` (RFC 5758 section 3.2).
pub fn ecdsa_with_sha256() -> Node {
    seq([oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])])
}

/// A `SubjectPublicKeyInfo` of an elliptic curve key (RFC 5480 section 2).
pub fn ec_key(curve: &[u8], point: &[u8]) -> Node {
    seq([seq([oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), oid(curve)]), bits(point)])
}

pub fn p384_key(point: &[u8]) -> Node {
    ec_key(&[0x2b, 0x81, 4, 0, 0x22], point)
}

pub fn name(common_name: &str) -> Node {
    let attribute = |id: u8, tag: u8, text: &str| {
        let pair = seq([oid(&[0x55, 4, id]), Node::Primitive(tag, text.into())]);
        Node::Constructed(0x31, vec![pair])
    };
    seq([attribute(6, 0x13, "US"), attribute(10, 0x0c, "Amazon"), attribute(3, 0x0c, common_name)])
}

pub fn extension(id: u8, critical: bool, value: &[u8]) -> Node {
    let mut children = vec![oid(&[0x55, 0x1d, id])];
    if critical {
        children.push(Node::Primitive(1, vec![0xff]));
    }
    children.push(Node::Primitive(4, value.to_vec()));
    seq(children)
}

/// The value of an authority's `BasicConstraints`.
pub fn authority(path_len: Option<u8>) -> Vec<u8> {
    match path_len {
        Some(path_len) => vec![0x30, 6, 1, 1, 0xff, 2, 1, path_len],
        None => vec![0x30, 3, 1, 1, 0xff],
    }
}

/// The certificate at this position of a chain with so many authorities; the leaf stands at `authorities`.
pub fn tbs(position: usize, authorities: usize, spki: Node) -> Node {
    let subject = |position: usize| match position {
        0 => name("root"),
        _ if position == authorities => name("leaf"),
        _ => name(&format!("authority {position}")),
    };
    let number = u8::try_from(position).unwrap();
    let below = u8::try_from(authorities).unwrap().saturating_sub(number + 1);
    let (validity, extensions) = if position == authorities {
        let constraints = extension(BASIC_CONSTRAINTS, true, &[0x30, 0]);
        let usage = extension(KEY_USAGE, false, &[3, 2, 6, 0xc0]);
        ([LEAF_NOT_BEFORE, LEAF_NOT_AFTER], [constraints, usage])
    } else {
        // As in the genuine root, no limit there.
        let constraints = authority((position > 0).then_some(below));
        let usage = extension(KEY_USAGE, true, &[3, 2, 1, 0x86]);
        ([CA_NOT_BEFORE, CA_NOT_AFTER], [extension(BASIC_CONSTRAINTS, true, &constraints), usage])
    };
    seq([
        Node::Constructed(0xa0, vec![Node::Primitive(2, vec![2])]),
        Node::Primitive(2, vec![0x5a, number]),
        ecdsa_with_sha384(),
        subject(position.saturating_sub(1)),
        seq(validity.map(|time| Node::Primitive(0x17, time.to_vec()))),
        subject(position),
        spki,
        Node::Constructed(0xa3, vec![seq(extensions)]),
    ])
}

/// A certificate with its signature.
pub fn certificate(tbs: Node, algorithm: Node, signature: &[u8]) -> Vec<u8> {
    seq([tbs, algorithm, bits(signature)]).encode()
}
