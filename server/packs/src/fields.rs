//! The fields of one row, taken one by one; what is left in the end is unknown and refused.

use crate::yaml::Node;
use domain::RowError;

pub struct Fields {
    /// Counted from 1.
    number: u32,
    id: String,
    entries: Vec<(String, Node)>,
}

impl Fields {
    /// A row that says its id itself.
    pub fn of_row(number: u32, node: Node) -> Result<Self, String> {
        let Node::Map(entries) = node else { return Err(format!("row {number} is not a map of fields")) };
        let id = entries.iter().find_map(|(name, node)| match node {
            Node::Text(id) if name == "id" => Some(id.clone()),
            _ => None,
        });
        Ok(Self { number, id: id.unwrap_or_default(), entries })
    }

    /// A row under a key of a map, which is its id.
    pub fn of_entry(number: u32, key: &str, node: Node) -> Result<Self, String> {
        Ok(Self { id: key.to_owned(), ..Self::of_row(number, node)? })
    }

    pub fn fail(&self, field: &str, fault: impl Into<String>) -> String {
        RowError::new(self.number, &self.id, field, fault.into()).to_string()
    }

    /// None where the field is missing or empty.
    pub fn take(&mut self, name: &str) -> Option<Node> {
        let idx = self.entries.iter().position(|(field, _)| field == name)?;
        Some(self.entries.remove(idx).1).filter(|it| *it != Node::Nothing)
    }

    pub fn required(&mut self, name: &str) -> Result<Node, String> {
        self.take(name).ok_or_else(|| self.fail(name, "is missing"))
    }

    pub fn text(&mut self, name: &str) -> Result<String, String> {
        let node = self.required(name)?;
        self.as_text(name, node)
    }

    pub fn optional_text(&mut self, name: &str) -> Result<Option<String>, String> {
        self.take(name).map(|node| self.as_text(name, node)).transpose()
    }

    fn as_text(&self, name: &str, node: Node) -> Result<String, String> {
        match node {
            Node::Text(text) => Ok(text),
            _ => Err(self.fail(name, "is not a text; if it looks like a number, put it in quotes")),
        }
    }

    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, String> {
        let Node::List(items) = self.required(name)? else { return Err(self.fail(name, "is not a list of texts")) };
        items.into_iter().map(|node| self.as_text(name, node)).collect()
    }

    pub fn whole(&mut self, name: &str) -> Result<u32, String> {
        match self.required(name)? {
            Node::Whole(number) => u32::try_from(number).map_err(|_| self.fail(name, "is too large")),
            _ => Err(self.fail(name, "is not a whole number")),
        }
    }

    /// Whether everything has been taken.
    pub fn finish(self) -> Result<(), String> {
        match self.entries.first() {
            None => Ok(()),
            Some((name, _)) => Err(self.fail(name, "is not known")),
        }
    }
}
