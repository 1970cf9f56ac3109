//! What an answer is held against, read from the message it answers: template slots, and Flask stubs.

use crate::{
    format::question_and_template,
    question::{FlaskShape, FlaskStub},
};

/// The template lines `name = # comment` of a message, without those that the question itself may hold.
pub(crate) fn slots_in(message: &str) -> Vec<&str> {
    let template = question_and_template(message).map_or(message, |(_, template)| template);
    let is_slot =
        |line: &&str| line.split_once(" = ").is_some_and(|(name, rest)| is_name(name) && rest.starts_with("# "));
    template.lines().filter(is_slot).collect()
}

/// What an answer in the Flask format is held against.
pub(crate) struct FlaskForm<'a> {
    pub variable: &'a str,
    pub shape: FlaskShape,
    pub route: &'a str,
    pub function: &'a str,
}

impl<'a> FlaskForm<'a> {
    pub fn of(stub: &'a FlaskStub) -> Self {
        Self { variable: stub.variable, shape: stub.shape, route: stub.route, function: stub.function }
    }

    /// The form of the stub in a message; None where it holds none.
    pub fn read(message: &'a str) -> Option<Self> {
        let before = &message[..message.find("# TODO")?];
        let (variable, shape) = match before.trim_end().strip_suffix(" = [") {
            Some(before) => (before.lines().last()?, FlaskShape::List),
            None => (before.strip_suffix(" = ")?.lines().last()?, FlaskShape::Text),
        };
        let (_, rest) = message.split_once("@app.route(\"")?;
        let (route, rest) = rest.split_once('"')?;
        let (function, _) = rest.split_once("\ndef ")?.1.split_once('(')?;
        (is_name(variable) && is_name(function)).then_some(Self { variable, shape, route, function })
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}
