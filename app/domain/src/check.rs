//! Whether an answer kept the form it was asked for. Reads code as text; nothing is ever run.

use crate::{
    Format, Question,
    form::{FlaskForm, slots_in},
    format::{slots, stub},
    question::FlaskShape,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, error::Category};

/// Whether the form was kept, and why one thinks so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatCheck {
    pub kept: Kept,
    /// One sentence; empty where there was nothing to check.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    Yes,
    No,
    /// Plain answers have no form.
    NothingToCheck,
}

impl Format {
    /// Checks a finished answer against the form it was asked for.
    pub fn check(self, question: &Question, answer: &str) -> FormatCheck {
        verdict(match self {
            Self::Plain => return FormatCheck::NOTHING,
            Self::Json => json(answer),
            Self::Python => python(answer, slots(question)),
            Self::Flask => match stub(question) {
                Ok(stub) => flask(answer, &FlaskForm::of(stub)),
                Err(err) => Err(format!("There is nothing to hold it against: {err}.")),
            },
        })
    }

    /// Checks a finished answer against the slots or the stub that stand in the message it answers.
    pub fn check_message(self, message: &str, answer: &str) -> FormatCheck {
        verdict(match self {
            Self::Plain => return FormatCheck::NOTHING,
            Self::Json => json(answer),
            Self::Python => python(answer, &slots_in(message)),
            Self::Flask => match FlaskForm::read(message) {
                Some(form) => flask(answer, &form),
                None => Err("There is nothing to hold it against: the message holds no Flask stub.".into()),
            },
        })
    }
}

impl FormatCheck {
    const NOTHING: Self = Self { kept: Kept::NothingToCheck, reason: String::new() };
}

fn verdict(outcome: Outcome) -> FormatCheck {
    match outcome {
        Ok(reason) => FormatCheck { kept: Kept::Yes, reason },
        Err(reason) => FormatCheck { kept: Kept::No, reason },
    }
}

/// Ok and Err both say why.
type Outcome = Result<String, String>;

fn json(answer: &str) -> Outcome {
    match serde_json::from_str(answer) {
        Ok(Value::Object(object)) => Ok(one_object(&object.keys().map(String::as_str).collect::<Vec<_>>())),
        Ok(other) => Err(format!("It is valid JSON, but {} and not an object.", kind(&other))),
        Err(_) if answer.trim().is_empty() => Err("The answer is empty.".into()),
        Err(_) if answer.trim_start().starts_with("```") => Err("The answer stands in a code fence.".into()),
        Err(_) if !answer.trim_start().starts_with('{') => {
            Err(format!("The answer begins with “{}”, so it is not one JSON object.", beginning(answer)))
        }
        Err(err) if err.classify() == Category::Eof => Err("The JSON object is never closed.".into()),
        Err(err) => Err(format!("The JSON breaks off at line {}, column {}.", err.line(), err.column())),
    }
}

fn one_object(keys: &[&str]) -> String {
    match keys {
        [] => "One object, without keys.".into(),
        [key] => format!("One object, key {}.", shortened(key)),
        [first, second] => format!("One object, keys {} and {}.", shortened(first), shortened(second)),
        [first, second, rest @ ..] => {
            format!("One object, keys {}, {} and {} more.", shortened(first), shortened(second), rest.len())
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Each slot stands on a line `name = value`, in order, the required ones filled, with nothing before the first.
/// A value runs to the next slot, so it may have several lines.
fn python(answer: &str, slots: &[&str]) -> Outcome {
    let code = without_fence(answer);
    let mut found = Vec::new();
    let mut rest_from = 0;
    for slot in slots {
        let (name, comment) = slot.split_once(" = ").expect("every slot is `name = # comment`");
        match find_assignment(&code[rest_from..], name) {
            Some((start, value)) => {
                found.push((name, comment, rest_from + start, rest_from + value));
                rest_from += value;
            }
            None if comment.starts_with("# [Optional]") => {}
            None if find_assignment(code, name).is_some() => {
                return Err(format!("“{name}” is out of order."));
            }
            None => return Err(format!("“{name} =” is missing.")),
        }
    }
    let first = found.first().map_or(code.len(), |(_, _, start, _)| *start);
    if !code[..first].trim().is_empty() {
        return Err(format!("The answer begins with “{}” instead of the template.", beginning(code)));
    }
    let ends = found.iter().skip(1).map(|(_, _, start, _)| *start).chain([code.len()]);
    for ((name, comment, _, value), end) in found.iter().zip(ends) {
        if !is_filled(&code[*value..end], comment) && !comment.starts_with("# [Optional]") {
            return Err(format!("“{name}” is not filled."));
        }
    }
    Ok(format!("{} of {} slots filled.", found.len(), slots.len()))
}

/// The stub stands complete, and its `# TODO` has become a value.
fn flask(answer: &str, stub: &FlaskForm) -> Outcome {
    let code = without_fence(answer);
    let Some((start, value)) = find_assignment(code, stub.variable) else {
        return Err(format!("“{} =” is missing.", stub.variable));
    };
    if !code[..start].lines().any(|line| line.starts_with("app = Flask(")) {
        return Err("“app = Flask(…)” is missing before it.".into());
    }
    let Some(route) = code[value..].find("@app.route(").map(|at| value + at) else {
        return Err(format!("The route “{}” is missing.", stub.route));
    };
    if !code[route..].lines().next().is_some_and(|line| line.contains(stub.route)) {
        return Err(format!("The route is not “{}”.", stub.route));
    }
    if !code[route..].contains(&format!("def {}(", stub.function)) {
        return Err(format!("The function “{}” is missing.", stub.function));
    }
    if !code[route..].lines().any(|line| line.trim_start().starts_with("return ")) {
        return Err(format!("“{}” returns nothing.", stub.function));
    }
    flask_value(&code[value..route], stub)
}

fn flask_value(value: &str, stub: &FlaskForm) -> Outcome {
    if value.contains("# TODO") {
        return Err("“# TODO” still stands there.".into());
    }
    match stub.shape {
        FlaskShape::Text if is_filled(value, "# TODO") => Ok("The app is complete.".into()),
        FlaskShape::Text => Err(format!("“{}” has no value.", stub.variable)),
        FlaskShape::List => {
            let inner = value.trim().strip_prefix('[').and_then(|it| it.rsplit_once(']'));
            let Some((inner, _)) = inner else {
                return Err(format!("The list “{}” is never closed.", stub.variable));
            };
            match inner.lines().filter(|line| is_filled(line, "# TODO")).count() {
                0 => Err(format!("The list “{}” is empty.", stub.variable)),
                _ => Ok("The app is complete.".into()),
            }
        }
    }
}

/// Where a line `name = …` begins, and where its value does. Bytes.
fn find_assignment(code: &str, name: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        if let Some(value) = line.strip_prefix(name).map(str::trim_start).and_then(|it| it.strip_prefix('=')) {
            return Some((at, at + line.len() - value.len()));
        }
        at += line.len();
    }
    None
}

/// More than white space, quotes and the template's own comment.
fn is_filled(value: &str, comment: &str) -> bool {
    let value = value.trim();
    value != comment && !value.trim_matches(['"', '\'', '#', ',', '`']).trim().is_empty()
}

/// The inside of a code fence, where the whole answer stands in one.
fn without_fence(answer: &str) -> &str {
    let trimmed = answer.trim();
    let Some(inner) = trimmed.strip_prefix("```").and_then(|it| it.split_once('\n')).map(|(_, inner)| inner) else {
        return answer;
    };
    inner.trim_end().strip_suffix("```").unwrap_or(inner)
}

/// The first words, to be quoted.
fn beginning(answer: &str) -> String {
    shortened(answer.trim().lines().next().unwrap_or_default())
}

fn shortened(text: &str) -> String {
    const CHARS: usize = 24;
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
