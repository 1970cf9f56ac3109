//! Which modules the words of an adapter's configuration mean.
//!
//! A module can have several paths, because versions of a checkpoint with a vision part differ in its names: it is meant if one
//! of them is. Patterns are those of Python, as far as they need no looking ahead or back; others are refused.

use regex::{Regex, RegexBuilder};

/// The modules to change.
#[derive(Debug)]
pub struct Targets {
    chosen: Names,
    excluded: Option<Names>,
    layers: Option<Layers>,
}

/// Modules, by what names them.
#[derive(Debug)]
pub enum Names {
    /// Every linear layer but the last of the model.
    All,
    /// Ends of their paths, at a dot.
    Ends(Vec<String>),
    /// A pattern that fits their whole path.
    Pattern(Regex),
}

/// The layers that ends of paths are restricted to.
#[derive(Debug)]
struct Layers {
    numbers: Vec<i64>,
    /// Each finds the number of a layer in a path; the first that finds one counts.
    finders: Vec<Regex>,
}

impl Targets {
    /// `layers_pattern` names what stands before the number of a layer in a path; if it is empty, anything may.
    pub fn new(
        chosen: Names,
        excluded: Option<Names>,
        layers: Option<Vec<i64>>,
        layers_pattern: &[String],
    ) -> Result<Targets, regex::Error> {
        let layers = layers.map(|numbers| Layers::new(numbers, layers_pattern)).transpose()?;
        Ok(Targets { chosen, excluded, layers })
    }

    pub fn has(&self, paths: &[String]) -> bool {
        paths.iter().any(|path| self.has_path(path))
    }

    /// The ends of paths that were chosen, if that is how it was done.
    pub fn names(&self) -> &[String] {
        self.chosen.names()
    }

    fn has_path(&self, path: &str) -> bool {
        let is_excluded = self.excluded.as_ref().is_some_and(|excluded| excluded.has(path));
        // A whole path is meant wherever its layer is.
        let is_in_layers = || self.layers.as_ref().is_none_or(|layers| layers.has(path));
        !is_excluded && (self.chosen.has_whole(path) || self.chosen.has(path) && is_in_layers())
    }
}

impl Names {
    pub fn pattern(pattern: &str) -> Result<Names, regex::Error> {
        compiled(&format!("^(?:{pattern})$")).map(Names::Pattern)
    }

    pub fn names(&self) -> &[String] {
        match self {
            Names::Ends(names) => names,
            Names::All | Names::Pattern(_) => &[],
        }
    }

    /// Whether a name is an end of one of these paths.
    pub fn fit_one(name: &str, paths: &[String]) -> bool {
        paths.iter().any(|path| is_end(name, path))
    }

    fn has(&self, path: &str) -> bool {
        match self {
            Names::All => true,
            Names::Ends(names) => names.iter().any(|name| is_end(name, path)),
            Names::Pattern(pattern) => pattern.is_match(path),
        }
    }

    fn has_whole(&self, path: &str) -> bool {
        self.names().iter().any(|name| name == path)
    }
}

fn is_end(name: &str, path: &str) -> bool {
    path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl Layers {
    fn new(numbers: Vec<i64>, patterns: &[String]) -> Result<Layers, regex::Error> {
        let finder = |pattern: &String| compiled(&format!(r"^(?:|.*?\.){pattern}\.(?P<idx>\d+)\."));
        let finders = match patterns {
            [] => vec![compiled(r"^.*?\.[^.]*\.(?P<idx>\d+)\.")?],
            patterns => patterns.iter().map(finder).collect::<Result<_, _>>()?,
        };
        Ok(Layers { numbers, finders })
    }

    fn has(&self, path: &str) -> bool {
        let found = self.finders.iter().find_map(|finder| finder.captures(path));
        let number = found.and_then(|found| found["idx"].parse().ok());
        number.is_some_and(|number| self.numbers.contains(&number))
    }
}

/// Values by pattern. The first pattern that fits the end of a path counts.
#[derive(Debug)]
pub struct Patterns<T>(Vec<(Regex, T)>);

impl<T> Default for Patterns<T> {
    fn default() -> Patterns<T> {
        Patterns(Vec::new())
    }
}

impl<T: Copy> Patterns<T> {
    pub fn of(&self, paths: &[String]) -> Option<T> {
        let fits = |(pattern, _): &&(Regex, T)| paths.iter().any(|path| pattern.is_match(path));
        self.0.iter().find(fits).map(|(_, value)| *value)
    }
}

impl<T> Patterns<T> {
    pub fn add(&mut self, pattern: &str, value: T) -> Result<(), regex::Error> {
        self.0.push((compiled(&format!(r"^(?:.*\.)?(?:{pattern})$"))?, value));
        Ok(())
    }
}

/// Such a pattern takes time in proportion to the text, and no more memory than this.
fn compiled(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(1 << 20).build()
}

#[cfg(test)]
mod tests;
