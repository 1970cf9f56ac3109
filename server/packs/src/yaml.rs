//! YAML as a tree of plain values. Aliases are unfolded, but only so far: a small file may mean a huge tree.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::{cell::Cell, collections::HashSet, fmt};

/// A value of a YAML file.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Nothing,
    Bool(bool),
    Whole(u64),
    Real(f64),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file, no key twice.
    Map(Vec<(String, Node)>),
}

/// The one document of a file. The error says what is wrong and, as far as it is known, where.
pub fn read(text: &str) -> Result<Node, String> {
    bounded(text)?;
    let budget = Cell::new(UNFOLDED_BYTES_MAX);
    Reader { budget: &budget }.deserialize(yaml_serde::Deserializer::from_str(text)).map_err(|err| err.to_string())
}

/// What a file may unfold to, counting [`VALUE_BYTES`] for each value, and its text.
const UNFOLDED_BYTES_MAX: usize = 32 << 20;
const VALUE_BYTES: usize = 64;
/// Brackets within brackets. Deeper ones would be refused anyway, but only after the parser has spent long on them.
const NESTING_MAX: usize = 128;
/// Marks that may separate values. The parser keeps two hundred bytes for each value, before anybody can count them.
const MARKS_MAX: usize = 1_000_000;

/// Refuses what the parser would need much time or memory for. Marks and brackets in texts count as well.
fn bounded(text: &str) -> Result<(), String> {
    if text.lines().any(|line| nesting(line) > NESTING_MAX) {
        return Err(format!("brackets are nested more than {NESTING_MAX} deep"));
    }
    if n_marks(text.as_bytes()) > MARKS_MAX {
        return Err(format!("it has more than {MARKS_MAX} separators"));
    }
    // Each is held against all before it.
    if text.lines().any(|line| line.starts_with("%TAG")) {
        return Err("it declares tags".into());
    }
    Ok(())
}

/// How many more brackets are opened than closed at most, from some place of a line on.
fn nesting(line: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in line.bytes() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn n_marks(text: &[u8]) -> usize {
    let is_mark = |pair: &&[u8]| match pair[0] {
        b',' | b':' | b'[' | b'{' | b'\n' => true,
        b'-' | b'?' => pair[1].is_ascii_whitespace(),
        _ => false,
    };
    text.windows(2).filter(is_mark).count()
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    budget: &'a Cell<usize>,
}

impl Reader<'_> {
    fn spend<E: Error>(self, text: &str) -> Result<(), E> {
        let cost = VALUE_BYTES + text.len();
        let rest = self.budget.get().checked_sub(cost);
        self.budget
            .set(rest.ok_or_else(|| E::custom(format!("it unfolds to more than {} MB", UNFOLDED_BYTES_MAX >> 20)))?);
        Ok(())
    }

    fn value<E: Error>(self, node: Node) -> Result<Node, E> {
        self.spend("")?;
        Ok(node)
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a text, a number, a list or a map")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.value(Node::Nothing)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.value(Node::Nothing)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        self.value(Node::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        self.value(Node::Whole(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        self.value(Node::Real(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        self.value(Node::Real(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        self.spend(text)?;
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        self.spend("")?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        self.spend("")?;
        let (mut map, mut keys) = (Vec::new(), HashSet::new());
        while let Some(key) = entries.next_key_seed(self)? {
            let Node::Text(key) = key else { return Err(A::Error::custom("a key is not a text")) };
            if !keys.insert(key.clone()) {
                return Err(A::Error::custom(format!("key “{key}” is given twice")));
            }
            map.push((key, entries.next_value_seed(self)?));
        }
        Ok(Node::Map(map))
    }
}
