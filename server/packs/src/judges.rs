//! Files of judges: for each key a prompt, and how its model is called.

use crate::{fields::Fields, yaml::Node};
use domain::{JudgeKind, JudgePrompt, PublishedJudge};

pub fn judges(entries: Vec<(String, Node)>) -> Result<Vec<PublishedJudge>, String> {
    let rows = entries.into_iter().zip(1..);
    rows.map(|((key, node), number)| judge(&key, Fields::of_entry(number, &key, node)?)).collect()
}

/// Judges in such files reply with a word.
fn judge(key: &str, mut fields: Fields) -> Result<PublishedJudge, String> {
    let template = fields.text("prompt")?;
    let prompt = JudgePrompt::parse(key, JudgeKind::Word, &template).map_err(|fault| fields.fail("prompt", fault))?;
    let temperature = match fields.take("temperature") {
        None => None,
        Some(Node::Whole(it)) => Some(it as f64),
        Some(Node::Real(it)) => Some(it),
        Some(_) => return Err(fields.fail("temperature", "is not a number")),
    };
    if temperature.is_some_and(|it| !(0.0..=2.0).contains(&it)) {
        return Err(fields.fail("temperature", "is not from 0 to 2"));
    }
    let model = fields.optional_text("model")?;
    fields.finish()?;
    Ok(PublishedJudge { prompt, model, temperature })
}
