//! Fields that clients send by habit and that mean nothing here, with the values at which they do.
//!
//! One with another value would change the answer, or make a client believe that it does, so it is refused.

use super::error::Error;
use serde::Deserialize;
use serde_json::Value;
use std::sync::LazyLock;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{Object, ObjectBuilder, Schema},
    },
};

/// Field, neutral values as a JSON list, and what it would do elsewhere.
const FIELDS: [(&str, &str, &str); 24] = [
    ("store", "[false]", "Nothing of the API's answers is kept."),
    ("metadata", "[{}]", "Nothing of the API's answers is kept."),
    ("service_tier", r#"["auto", "default"]"#, "There is one tier."),
    ("response_format", r#"[{"type": "text"}]"#, "Answers are as the model writes them."),
    ("modalities", r#"[["text"]]"#, "Models write text."),
    ("tools", "[[]]", "Models are given no tools."),
    ("tool_choice", r#"["none", "auto"]"#, "Models are given no tools."),
    ("parallel_tool_calls", "[true, false]", "Models are given no tools."),
    ("functions", "[[]]", "Models are given no tools."),
    ("function_call", r#"["none", "auto"]"#, "Models are given no tools."),
    ("reasoning_effort", r#"["none"]"#, "Models do not reason apart."),
    ("verbosity", r#"["medium"]"#, "Models are told nothing about length."),
    ("suffix", r#"[""]"#, "Models only write on."),
    ("min_p", "[0, 0.0]", "Not cut that way."),
    ("repetition_penalty", "[1, 1.0]", "See presence_penalty and frequency_penalty."),
    ("length_penalty", "[1, 1.0]", "There is no beam search."),
    ("use_beam_search", "[false]", "There is no beam search."),
    ("min_tokens", "[0]", "See ignore_eos."),
    ("stop_token_ids", "[[]]", "See stop."),
    ("include_stop_str_in_output", "[false]", "An answer ends before the stop string."),
    ("skip_special_tokens", "[true]", "Special tokens are no part of an answer."),
    ("spaces_between_special_tokens", "[true]", "Special tokens are no part of an answer."),
    (
        "add_special_tokens",
        "[true]",
        "The token that every text of a model begins with, where it has one, is put before a text.",
    ),
    ("return_tokens_as_token_ids", "[false]", "Tokens are told by what they write."),
];

static VALUES: LazyLock<Vec<(&str, Vec<Value>)>> = LazyLock::new(|| {
    let values = |list: &str| serde_json::from_str(list).expect("the table above is JSON");
    FIELDS.iter().map(|(name, list, _)| (*name, values(list))).collect()
});

/// Refuses what is not in the table, or not with that value.
pub fn check(name: &str, value: &Value) -> Result<(), Error> {
    let Some((_, neutral)) = VALUES.iter().find(|it| it.0 == name) else { return Err(Error::unsupported(name)) };
    if neutral.contains(value) {
        return Ok(());
    }
    let neutral: Vec<_> = neutral.iter().map(Value::to_string).collect();
    Err(Error::unsupported_value(name, &neutral.join(" or ")))
}

/// The table as a part of the documentation.
#[derive(Deserialize)]
pub struct Neutral {}

impl PartialSchema for Neutral {
    fn schema() -> RefOr<Schema> {
        let property = |((name, values), (_, _, why)): (&(&str, Vec<Value>), &(&str, &str, &str))| {
            let field: Object = ObjectBuilder::new().enum_values(Some(values.clone())).description(Some(*why)).build();
            ((*name).to_owned(), field)
        };
        let fields = VALUES.iter().zip(&FIELDS).map(property);
        let object = fields.fold(ObjectBuilder::new(), |object, (name, field)| object.property(name, field));
        let about = "Accepted at these values only, at which they mean nothing.";
        RefOr::T(object.description(Some(about)).build().into())
    }
}

impl ToSchema for Neutral {}
