//! Texts with wildcards, and ARNs made of them.

/// One place of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    /// This character.
    Char(char),
    /// `?`: any one character.
    One,
    /// `*`: any characters, perhaps none.
    Any,
    /// `?` within one part of an ARN: any one character but a colon.
    OneWithin,
    /// `*` within one part of an ARN: any characters but colons.
    AnyWithin,
}

impl Symbol {
    const fn accepts(self, c: char) -> bool {
        match self {
            Self::Char(own) => own == c,
            Self::One | Self::Any => true,
            Self::OneWithin | Self::AnyWithin => c != ':',
        }
    }

    const fn repeats(self) -> bool {
        matches!(self, Self::Any | Self::AnyWithin)
    }
}

/// A text, perhaps with wildcards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Symbol>);

impl Pattern {
    /// `*` and `?` are themselves.
    pub(super) fn literal(text: &str) -> Self {
        Self(text.chars().map(Symbol::Char).collect())
    }

    /// `*` stands for any characters, `?` for any one.
    pub(super) fn with_wildcards(text: &str) -> Self {
        let symbol = |c| match c {
            '*' => Symbol::Any,
            '?' => Symbol::One,
            _ => Symbol::Char(c),
        };
        let mut pattern = Self::default();
        pattern.extend(text.chars().map(symbol));
        pattern
    }

    pub(super) fn push(&mut self, other: Self) {
        self.extend(other.0);
    }

    /// Of asterisks in a row one is enough.
    fn extend(&mut self, symbols: impl IntoIterator<Item = Symbol>) {
        for symbol in symbols {
            if !symbol.repeats() || self.0.last() != Some(&symbol) {
                self.0.push(symbol);
            }
        }
    }

    /// The same for comparison with [`lower_case`] texts.
    pub(super) fn to_lower_case(&self) -> Self {
        let mut lower = Vec::with_capacity(self.0.len());
        for &symbol in &self.0 {
            match symbol {
                Symbol::Char(c) => lower.extend(c.to_lowercase().map(Symbol::Char)),
                _ => lower.push(symbol),
            }
        }
        Self(lower)
    }

    /// Joins the parts of an ARN with colons. A wildcard matches within its part; an asterisk that ends a part "can
    /// expand to match beyond the colon boundaries" (IAM user guide, "IAM JSON policy elements: Resource").
    pub(super) fn of_resource(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut joined = Vec::new();
        for (position, Self(part)) in parts.into_iter().enumerate() {
            if position > 0 {
                joined.push(Symbol::Char(':'));
            }
            let reaches_beyond = part.last() == Some(&Symbol::Any);
            joined.extend(part.into_iter().map(|symbol| match symbol {
                Symbol::Any => Symbol::AnyWithin,
                Symbol::One => Symbol::OneWithin,
                _ => symbol,
            }));
            if reaches_beyond {
                joined.push(Symbol::Any);
            }
        }
        Self(joined)
    }

    /// The parts of an ARN: five that end at a colon, and the rest, which may hold more of them.
    pub(super) fn into_arn_parts(self) -> Vec<Self> {
        self.0.splitn(6, |symbol| *symbol == Symbol::Char(':')).map(|part| Self(part.to_vec())).collect()
    }

    /// Whether the whole text matches. The work is at most the product of both lengths, and of a long pattern only so
    /// much counts as the text can fill: the places where the pattern may stand are followed all at once.
    pub(super) fn matches(&self, text: &str) -> bool {
        // Each of them takes a character, which is a byte or more.
        if self.0.iter().filter(|symbol| !symbol.repeats()).count() > text.len() {
            return false;
        }
        // Up to the first asterisk there is one place only.
        let fixed = self.0.iter().take_while(|symbol| !symbol.repeats()).count();
        let mut rest = text.chars();
        let starts = |symbol: &Symbol| rest.next().is_some_and(|c| symbol.accepts(c));
        if !self.0.iter().take(fixed).all(starts) {
            return false;
        }
        if fixed == self.0.len() {
            return rest.as_str().is_empty();
        }
        if !self.0.iter().any(|symbol| matches!(symbol, Symbol::AnyWithin)) {
            return self.matches_greedily(text);
        }
        let mut places = Places::new(self.0.len());
        let mut next = Places::new(self.0.len());
        self.enter(&mut places, fixed);
        for c in rest {
            for &place in &places.list {
                match self.0.get(place) {
                    Some(symbol) if !symbol.accepts(c) => {}
                    Some(symbol) if symbol.repeats() => self.enter(&mut next, place),
                    Some(_) => self.enter(&mut next, place + 1),
                    None => {}
                }
            }
            if next.list.is_empty() {
                return false;
            }
            std::mem::swap(&mut places, &mut next);
            next.clear();
        }
        places.holds(self.0.len())
    }

    /// Where every asterisk takes any character, what stands between two of them may be taken at its first place: only
    /// the last asterisk met is ever asked to take more. The work is the text's length times that of the longest run
    /// between two asterisks.
    fn matches_greedily(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut place, mut at) = (0, 0);
        // Behind the last asterisk, and how far into the text it reaches.
        let mut last = None;
        loop {
            match (self.0.get(place), text.get(at)) {
                (Some(symbol), _) if symbol.repeats() => {
                    place += 1;
                    last = Some((place, at));
                }
                (Some(symbol), Some(&c)) if symbol.accepts(c) => {
                    place += 1;
                    at += 1;
                }
                (None, None) => return true,
                (_, character) => {
                    let Some((behind, reach)) = last.filter(|_| character.is_some()) else { return false };
                    (place, at) = (behind, reach + 1);
                    last = Some((behind, at));
                }
            }
        }
    }

    /// An asterisk may stand for nothing: with its place comes the one behind it.
    fn enter(&self, places: &mut Places, mut place: usize) {
        while places.insert(place) && self.0.get(place).is_some_and(|symbol| symbol.repeats()) {
            place += 1;
        }
    }
}

/// Places of a pattern: each at most once.
struct Places {
    list: Vec<usize>,
    seen: Vec<bool>,
}

impl Places {
    fn new(len: usize) -> Self {
        Self { list: Vec::new(), seen: vec![false; len + 1] }
    }

    /// Whether the place was not there before.
    fn insert(&mut self, place: usize) -> bool {
        match self.seen.get_mut(place) {
            Some(seen) if !*seen => {
                *seen = true;
                self.list.push(place);
                true
            }
            _ => false,
        }
    }

    fn holds(&self, place: usize) -> bool {
        self.seen.get(place) == Some(&true)
    }

    fn clear(&mut self) {
        for place in self.list.drain(..) {
            if let Some(seen) = self.seen.get_mut(place) {
                *seen = false;
            }
        }
    }
}

/// Character by character, as [`Pattern::to_lower_case`] does it.
pub(super) fn lower_case(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The parts of an ARN: five that end at a colon, and the rest, which may hold more of them. Colons inside of
/// `${…}` end nothing. Fewer parts than six come back as they are.
pub(super) fn arn_parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut in_variable, mut previous) = (0, false, '\0');
    for (at, c) in text.char_indices() {
        match c {
            '{' if previous == '$' => in_variable = true,
            '}' => in_variable = false,
            ':' if !in_variable && parts.len() < 5 => {
                parts.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
        previous = c;
    }
    parts.extend(text.get(start..));
    parts
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    /// The definition, word for word.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|len| by_definition(rest, &text[len..])),
            (['?', rest @ ..], [_, behind @ ..]) => by_definition(rest, behind),
            ([c, rest @ ..], [d, behind @ ..]) => c == d && by_definition(rest, behind),
            _ => false,
        }
    }

    fn texts(alphabet: &[char], longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut from = 0;
        for _ in 0..longest {
            let until = all.len();
            for at in from..until {
                all.extend(alphabet.iter().map(|c| format!("{}{c}", all[at])).collect::<Vec<_>>());
            }
            from = until;
        }
        all
    }

    #[test]
    fn every_short_pattern_against_every_short_text() {
        let texts_of_two = texts(&['a', 'b'], 5);
        for pattern in texts(&['a', 'b', '*', '?'], 5) {
            let compiled = Pattern::with_wildcards(&pattern);
            let symbols: Vec<char> = pattern.chars().collect();
            for text in &texts_of_two {
                let expected = by_definition(&symbols, &text.chars().collect::<Vec<_>>());
                assert_eq!(compiled.matches(text), expected, "{pattern} {text}");
            }
        }
    }
}
