//! Messages → the text of a prompt, by the model's own chat template.
//!
//! Templates are written for Jinja2 as the Python library transformers sets it up, so that set-up is repeated here.
//! They come with the model and are not trusted: what they may compute and write is bounded.

mod generation;

use std::collections::BTreeMap;
use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value, context};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use time::OffsetDateTime;
use time::format_description::parse_strftime_owned;

use crate::language::TEXT_BYTES_MAX;
use crate::{RenderError, guard};

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
}

/// Variables of a template such as `bos_token`, and how that token is written.
pub type SpecialTokens = BTreeMap<String, String>;

#[derive(Debug)]
pub struct ChatTemplate {
    /// Holds one template, under the name of its file.
    environment: Environment<'static>,
    file: String,
    special: SpecialTokens,
}

impl ChatTemplate {
    /// `file` is where the source was found.
    pub fn parse(file: &str, source: &str, special: SpecialTokens) -> Result<Self, String> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(format!("the one in {file} is larger than {SOURCE_BYTES_MAX} bytes"));
        }
        let mut environment = environment();
        let (file, source) = (file.to_owned(), generation::without_blocks(source));
        // A long chain of operators becomes a deep tree, which is walked by recursion.
        let add = || environment.add_template_owned(file.clone(), source).map_err(|err| err.to_string());
        guard::on_deep_stack(add).flatten()?;
        Ok(Self { environment, file, special })
    }

    /// The text up to where the assistant is to answer.
    pub fn render(&self, messages: &[Message]) -> Result<String, RenderError> {
        let variables = context! {
            messages => Serde(messages),
            // Defined but empty, as where a caller in Python passes none.
            tools => (),
            documents => (),
            add_generation_prompt => true,
            ..Serde(&self.special)
        };
        // A template can nest lists in each other as deep as its fuel lasts. Whatever then touches them recurses, even
        // dropping an error that holds one, so nothing but text leaves the deep stack.
        let render = || self.environment.get_template(&self.file)?.render(variables);
        let text = guard::on_deep_stack(|| render().map_err(|err: Error| err.to_string()));
        text.flatten().map_err(|err| RenderError::Template(format!("cannot render the chat template: {err}")))
    }
}

/// The largest templates in use have a third of this.
const SOURCE_BYTES_MAX: usize = 64 << 10;

/// One unit pays for an instruction or for 64 bytes, so this allows 12 MB to be written, passing results included.
const FUEL: u64 = 200_000;

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the delimiters are the usual ones"));
    environment.set_fuel(Some(FUEL));
    environment.set_debug(false); // Errors are told to people, who need no copy of all variables.
    // The name of the file would switch escaping on: a prompt is neither HTML nor JSON.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    environment.add_filter("tojson", to_json);
    environment
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// The time now, in UTC.
fn strftime_now(format: &str) -> Result<String, Error> {
    let invalid = |err: &dyn std::fmt::Display| Error::new(ErrorKind::InvalidOperation, err.to_string());
    let description = parse_strftime_owned(format).map_err(|err| invalid(&err))?;
    OffsetDateTime::now_utc().format(&description).map_err(|err| invalid(&err))
}

/// JSON as Python writes it. The filter of that name in Jinja2 also escapes HTML, which prompts do not want.
fn to_json(value: &Value, options: Kwargs) -> Result<String, Error> {
    let unsupported = |option| Err(Error::new(ErrorKind::InvalidOperation, format!("tojson cannot do {option}")));
    let indent: Option<usize> = options.get("indent")?;
    if options.get::<Option<bool>>("ensure_ascii")? == Some(true) {
        return unsupported("ensure_ascii");
    }
    options.assert_all_used()?;
    match indent {
        Some(n) if n > INDENT_MAX => unsupported("an indent that large"),
        Some(n) => write_json(value, PrettyFormatter::with_indent(&[b' '; INDENT_MAX][..n])),
        None => write_json(value, OneLine),
    }
}

const INDENT_MAX: usize = 16;

fn write_json(value: &Value, formatter: impl Formatter) -> Result<String, Error> {
    let mut json = Bounded(Vec::new());
    let written = value.serialize(&mut Serializer::with_formatter(&mut json, formatter));
    written.map_err(|err| Error::new(ErrorKind::BadSerialization, err.to_string()))?;
    Ok(String::from_utf8(json.0).expect("JSON of strings is UTF-8"))
}

/// Refuses what no prompt could hold, while it is written: the indent of a deep value alone could fill the memory.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > TEXT_BYTES_MAX {
            return Err(io::Error::other("the JSON is longer than a prompt may be"));
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All on one line, with a space after each comma and colon.
struct OneLine;

impl Formatter for OneLine {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests;
