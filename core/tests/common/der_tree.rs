//! DER as a tree that can be altered and written again, with all lengths right.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Primitive(u8, Vec<u8>),
    Constructed(u8, Vec<Node>),
}

impl Node {
    pub fn parse(der: &[u8]) -> Self {
        let (node, rest) = read(der);
        assert!(rest.is_empty());
        assert_eq!(node.encode(), der);
        node
    }

    pub fn encode(&self) -> Vec<u8> {
        let (tag, contents) = match self {
            Self::Primitive(tag, contents) => (*tag, contents.clone()),
            Self::Constructed(tag, children) => (*tag, children.iter().flat_map(Self::encode).collect()),
        };
        let mut der = vec![tag];
        match contents.len() {
            short @ 0..=0x7f => der.push(u8::try_from(short).unwrap()),
            long @ 0x80..=0xff => der.extend([0x81, u8::try_from(long).unwrap()]),
            longer => {
                der.push(0x82);
                der.extend(u16::try_from(longer).unwrap().to_be_bytes());
            }
        }
        der.extend(contents);
        der
    }

    pub fn children(&mut self) -> &mut Vec<Self> {
        match self {
            Self::Constructed(_, children) => children,
            Self::Primitive(..) => panic!("primitive"),
        }
    }

    pub fn contents(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Primitive(_, contents) => contents,
            Self::Constructed(..) => panic!("constructed"),
        }
    }
}

fn read(der: &[u8]) -> (Node, &[u8]) {
    let (length, rest) = match der[1] {
        short @ 0..=0x7f => (usize::from(short), &der[2..]),
        0x81 => (usize::from(der[2]), &der[3..]),
        0x82 => (usize::from(u16::from_be_bytes([der[2], der[3]])), &der[4..]),
        other => panic!("length {other:#x}"),
    };
    let (mut contents, rest) = rest.split_at(length);
    let tag = der[0];
    if tag & 0x20 == 0 {
        return (Node::Primitive(tag, contents.to_vec()), rest);
    }
    let mut children = Vec::new();
    while !contents.is_empty() {
        let (child, after) = read(contents);
        children.push(child);
        contents = after;
    }
    (Node::Constructed(tag, children), rest)
}
