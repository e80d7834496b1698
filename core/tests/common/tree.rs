//! CBOR as a tree whose heads can be written in every form that RFC 8949 knows and the blob's format forbids.

use ciborium::Value;

/// One data item.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Major type 0, or 1 with the argument as encoded.
    Int(u8, u64),
    Bytes(Vec<u8>),
    Text(Vec<u8>),
    Array(Vec<Item>),
    Map(Vec<(Item, Item)>),
    Tag(u64, Box<Item>),
    /// A byte string that holds an item.
    Wrapped(Box<Item>),
    /// Bytes as they are.
    Raw(Vec<u8>),
}

/// How one head departs from the deterministic form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// An argument of 1, 2, 4 or 8 bytes, though a shorter one would do.
    Long(usize),
    /// Strings in one chunk, containers ended by the break code.
    Indefinite,
}

pub fn uint(value: u64) -> Item {
    Item::Int(0, value)
}

pub fn text(text: &str) -> Item {
    Item::Text(text.into())
}

impl Item {
    /// A blob; the protected header is taken apart too.
    pub fn blob(bytes: &[u8]) -> Self {
        let mut item = Self::read(bytes);
        let protected = &mut item.untagged()[0];
        let Self::Bytes(inner) = &*protected else { panic!("protected: {protected:?}") };
        *protected = Self::Wrapped(Box::new(Self::read(inner)));
        item
    }

    pub fn read(bytes: &[u8]) -> Self {
        ciborium::from_reader::<Value, _>(bytes).unwrap().into()
    }

    /// The items of the array below the tag.
    pub fn untagged(&mut self) -> &mut Vec<Self> {
        let Self::Tag(_, inner) = self else { panic!("a tag: {self:?}") };
        inner.items()
    }

    pub fn items(&mut self) -> &mut Vec<Self> {
        let Self::Array(items) = self else { panic!("an array: {self:?}") };
        items
    }

    pub fn pairs(&mut self) -> &mut Vec<(Self, Self)> {
        match self {
            Self::Map(pairs) => pairs,
            Self::Wrapped(inner) => inner.pairs(),
            _ => panic!("a map: {self:?}"),
        }
    }

    /// The value behind a text key.
    pub fn at(&mut self, key: &str) -> &mut Self {
        &mut self.pairs().iter_mut().find(|(found, _)| *found == text(key)).unwrap().1
    }

    /// The item and all below it, in the order of their heads.
    pub fn nodes(&self) -> usize {
        let mut count = 1;
        self.children(|child| count += child.nodes());
        count
    }

    /// The node with this number in the order of heads.
    pub fn node(&mut self, number: usize) -> &mut Self {
        if number == 0 {
            return self;
        }
        let mut before = 1;
        let children: Vec<&mut Self> = match self {
            Self::Array(items) => items.iter_mut().collect(),
            Self::Map(pairs) => pairs.iter_mut().flat_map(|(key, value)| [key, value]).collect(),
            Self::Tag(_, inner) | Self::Wrapped(inner) => vec![inner],
            _ => Vec::new(),
        };
        for child in children {
            let nodes = child.nodes();
            if number < before + nodes {
                return child.node(number - before);
            }
            before += nodes;
        }
        panic!("no such node")
    }

    pub fn encode(&self) -> Vec<u8> {
        self.encode_with(usize::MAX, Form::Indefinite)
    }

    /// The encoding with the head of one node in another form. Where the form does not exist for that node
    /// (a shorter argument would not hold the value; an integer of indefinite length) it stays as it is.
    pub fn encode_with(&self, node: usize, form: Form) -> Vec<u8> {
        let mut writer = Writer { bytes: Vec::new(), node, form };
        writer.item(self, 0);
        writer.bytes
    }

    fn children(&self, mut each: impl FnMut(&Self)) {
        match self {
            Self::Array(items) => items.iter().for_each(each),
            Self::Map(pairs) => pairs.iter().for_each(|(key, value)| {
                each(key);
                each(value);
            }),
            Self::Tag(_, inner) | Self::Wrapped(inner) => each(inner),
            Self::Int(..) | Self::Bytes(_) | Self::Text(_) | Self::Raw(_) => {}
        }
    }
}

impl From<Value> for Item {
    fn from(value: Value) -> Self {
        match value {
            Value::Integer(value) => match u64::try_from(value) {
                Ok(value) => Self::Int(0, value),
                Err(_) => Self::Int(1, u64::try_from(-1 - i128::from(value)).unwrap()),
            },
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::Text(text) => Self::Text(text.into_bytes()),
            Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Map(pairs) => {
                Self::Map(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
            }
            Value::Tag(tag, inner) => Self::Tag(tag, Box::new((*inner).into())),
            Value::Null => Self::Raw(vec![0xf6]),
            other => panic!("neither in a blob nor in a document: {other:?}"),
        }
    }
}

struct Writer {
    bytes: Vec<u8>,
    node: usize,
    form: Form,
}

impl Writer {
    /// Writes an item whose number is `node`, and returns the number after its last descendant.
    fn item(&mut self, item: &Item, node: usize) -> usize {
        let mut next = node + 1;
        match item {
            Item::Int(major, value) => self.head(node, *major, *value),
            Item::Bytes(bytes) => self.string(node, 2, bytes),
            Item::Text(bytes) => self.string(node, 3, bytes),
            Item::Raw(bytes) => self.bytes.extend_from_slice(bytes),
            Item::Array(items) => {
                self.open(node, 4, items.len());
                next = items.iter().fold(next, |next, item| self.item(item, next));
                self.close(node);
            }
            Item::Map(pairs) => {
                self.open(node, 5, pairs.len());
                for (key, value) in pairs {
                    next = self.item(key, next);
                    next = self.item(value, next);
                }
                self.close(node);
            }
            Item::Tag(tag, inner) => {
                self.head(node, 6, *tag);
                next = self.item(inner, next);
            }
            Item::Wrapped(inner) => {
                let mut below = Self { bytes: Vec::new(), node: self.node, form: self.form };
                next = below.item(inner, next);
                self.string(node, 2, &below.bytes);
            }
        }
        next
    }

    fn is_indefinite(&self, node: usize) -> bool {
        node == self.node && self.form == Form::Indefinite
    }

    fn string(&mut self, node: usize, major: u8, bytes: &[u8]) {
        self.open(node, major, bytes.len());
        if self.is_indefinite(node) {
            self.head(usize::MAX - 1, major, bytes.len() as u64);
        }
        self.bytes.extend_from_slice(bytes);
        self.close(node);
    }

    fn open(&mut self, node: usize, major: u8, length: usize) {
        if self.is_indefinite(node) {
            self.bytes.push(major << 5 | 31);
        } else {
            self.head(node, major, length as u64);
        }
    }

    fn close(&mut self, node: usize) {
        if self.is_indefinite(node) {
            self.bytes.push(0xff);
        }
    }

    fn head(&mut self, node: usize, major: u8, value: u64) {
        let shortest = match value {
            0..24 => 0,
            24..0x100 => 1,
            0x100..0x1_0000 => 2,
            0x1_0000..0x1_0000_0000 => 4,
            _ => 8,
        };
        let width = match self.form {
            Form::Long(width) if node == self.node => shortest.max(width),
            _ => shortest,
        };
        self.bytes.push(
            major << 5
                | match width {
                    0 => u8::try_from(value).unwrap(),
                    1 => 24,
                    2 => 25,
                    4 => 26,
                    _ => 27,
                },
        );
        self.bytes.extend_from_slice(&value.to_be_bytes()[8 - width..]);
    }
}
