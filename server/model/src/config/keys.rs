//! One object of a configuration: its values by key and kind, and what is said when they are others.

use std::path::Path;

use serde_json::{Map, Value};

use crate::LoadError;

/// The keys of one JSON object.
pub struct Keys<'a> {
    file: &'a Path,
    /// What stands before the keys of this object when they are named: `text_config.`, say.
    path: String,
    object: &'a Map<String, Value>,
}

impl<'a> Keys<'a> {
    pub fn new(file: &'a Path, object: &'a Map<String, Value>) -> Keys<'a> {
        Keys { file, path: String::new(), object }
    }

    /// The object under a key, unless there is none.
    pub fn below(&self, key: &str) -> Result<Option<Keys<'a>>, LoadError> {
        let below = |object| Keys { file: self.file, path: format!("{}{key}.", self.path), object };
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(below(object))),
            Some(value) => Err(self.mistaken(key, value, "an object")),
        }
    }

    /// What stands under a key, unless that is null.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// Keys with a value.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.object.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.as_str())
    }

    pub fn integer(&self, key: &str, default: i64) -> Result<i64, LoadError> {
        self.integer_or_null(key, Some(default))?.ok_or_else(|| self.mistaken(key, &Value::Null, "a whole number"))
    }

    /// `default` stands for a key that is not there: null means none.
    pub fn integer_or_null(&self, key: &str, default: Option<i64>) -> Result<Option<i64>, LoadError> {
        match self.object.get(key) {
            None => Ok(default),
            Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| self.mistaken(key, value, "a whole number")),
        }
    }

    pub fn number(&self, key: &str, default: f64) -> Result<f64, LoadError> {
        self.number_or_null(key, Some(default))?.ok_or_else(|| self.mistaken(key, &Value::Null, "a number"))
    }

    /// `default` stands for a key that is not there: null means none.
    pub fn number_or_null(&self, key: &str, default: Option<f64>) -> Result<Option<f64>, LoadError> {
        match self.object.get(key) {
            None => Ok(default),
            Some(Value::Null) => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| self.mistaken(key, value, "a number")),
        }
    }

    pub fn flag(&self, key: &str, default: bool) -> Result<bool, LoadError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| self.mistaken(key, value, "true or false")),
        }
    }

    pub fn word(&self, key: &str, default: &'a str) -> Result<&'a str, LoadError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_str().ok_or_else(|| self.mistaken(key, value, "a word")),
        }
    }

    pub fn refuse_on(&self, key: &str) -> Result<(), LoadError> {
        if self.flag(key, false)? { Err(self.unsupported(key, "true")) } else { Ok(()) }
    }

    /// Hands back a value that may be used as a size.
    pub fn within(&self, key: &str, value: i64, most: i64) -> Result<i64, LoadError> {
        if (1..=most).contains(&value) {
            return Ok(value);
        }
        Err(self.absurd(&format!("{}{key} is {value}, but must be between 1 and {most}", self.path)))
    }

    /// Hands back a value that may be divided by.
    pub fn positive(&self, key: &str, value: f64) -> Result<f64, LoadError> {
        if value.is_finite() && value > 0.0 {
            return Ok(value);
        }
        Err(self.absurd(&format!("{}{key} is {value}, but must be above 0 and finite", self.path)))
    }

    fn mistaken(&self, key: &str, value: &Value, expected: &str) -> LoadError {
        self.absurd(&format!("{}{key} {value} is not {expected}", self.path))
    }

    pub fn unsupported(&self, option: &str, value: &str) -> LoadError {
        let option = format!("{}{option}", self.path);
        LoadError::Unsupported { file: self.file.to_owned(), option, value: value.to_owned() }
    }

    pub fn absurd(&self, reason: &str) -> LoadError {
        LoadError::Absurd { file: self.file.to_owned(), reason: reason.to_owned() }
    }
}
