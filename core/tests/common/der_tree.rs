//! DER as a tree that can be altered and written again, with all lengths right.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Primitive(u8, Vec<u8>),
    Constructed(u8, Vec<Node>),
}

impl Node {
    pub fn parse(der: &[u8]) -> Self {
        Self::try_parse(der).expect("DER")
    }

    /// `None` where the bytes are not one element of DER with lengths below 65536.
    pub fn try_parse(der: &[u8]) -> Option<Self> {
        let (node, rest) = read(der)?;
        (rest.is_empty() && node.encode() == der).then_some(node)
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

/// The contents of one element, not taken apart further.
pub fn contents(element: &[u8]) -> &[u8] {
    let (length, rest) = head(element).unwrap();
    assert_eq!(rest.len(), length);
    rest
}

/// The elements that stand one after the other in some contents, each with its head.
pub fn elements(mut contents: &[u8]) -> Vec<&[u8]> {
    let mut elements = Vec::new();
    while !contents.is_empty() {
        let (length, rest) = head(contents).unwrap();
        let (element, after) = contents.split_at(contents.len() - rest.len() + length);
        elements.push(element);
        contents = after;
    }
    elements
}

fn read(der: &[u8]) -> Option<(Node, &[u8])> {
    let tag = *der.first()?;
    let (length, rest) = head(der)?;
    let (mut contents, rest) = rest.split_at_checked(length)?;
    if tag & 0x20 == 0 {
        return Some((Node::Primitive(tag, contents.to_vec()), rest));
    }
    let mut children = Vec::new();
    while !contents.is_empty() {
        let (child, after) = read(contents)?;
        children.push(child);
        contents = after;
    }
    Some((Node::Constructed(tag, children), rest))
}

/// The length that an element announces, and what follows its head.
fn head(element: &[u8]) -> Option<(usize, &[u8])> {
    match *element {
        [_, short @ 0..=0x7f, ref rest @ ..] => Some((usize::from(short), rest)),
        [_, 0x81, length, ref rest @ ..] => Some((usize::from(length), rest)),
        [_, 0x82, high, low, ref rest @ ..] => Some((usize::from(u16::from_be_bytes([high, low])), rest)),
        _ => None,
    }
}
