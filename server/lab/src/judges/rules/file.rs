//! A file of rules, as it is written.

use super::{Rules, Verdict, Verdicts, pattern};
use crate::judges::rules::pattern::{Pattern, Slots};
use domain::JudgeId;
use serde::Deserialize;
use std::collections::HashMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    about: String,
    /// By key; every key of a rule has one.
    otherwise: HashMap<String, WrittenVerdict>,
    #[serde(default)]
    slots: Slots,
    #[serde(default)]
    rule: Vec<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    /// For people and errors; the rule does not depend on it.
    #[serde(rename = "name")]
    _name: Option<String>,
    key: String,
    score: Option<f64>,
    word: Option<String>,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    matches: Vec<String>,
    #[serde(default)]
    only: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenVerdict {
    score: Option<f64>,
    word: Option<String>,
}

/// The error names rule and field.
pub fn read(id: JudgeId, text: &str) -> Result<Rules, String> {
    let file: File = toml::from_str(text).map_err(|err| err.to_string().trim().to_owned())?;
    let mut keys = HashMap::new();
    for (key, written) in file.otherwise {
        let otherwise = verdict(written.score, written.word).map_err(|err| format!("otherwise, {key}: {err}"))?;
        keys.insert(key, Verdicts { rules: Vec::new(), otherwise });
    }
    for (rule_idx, value) in file.rule.into_iter().enumerate() {
        let name = value.get("name").and_then(toml::Value::as_str).unwrap_or("without a name").to_owned();
        add(&mut keys, value, &file.slots).map_err(|err| format!("rule {} ({name}): {err}", rule_idx + 1))?;
    }
    Ok(Rules { id, name: file.name, about: file.about, keys })
}

fn add(keys: &mut HashMap<String, Verdicts>, value: toml::Value, slots: &Slots) -> Result<(), String> {
    let WrittenRule { key, score, word, says, matches, only, .. } =
        value.try_into().map_err(|err: toml::de::Error| err.message().to_owned())?;
    let verdicts = keys.get_mut(&key).ok_or_else(|| format!("key: otherwise has no verdict for {key}"))?;
    let pattern = Pattern::new(&pattern::Written { says, matches, only }, slots)?;
    verdicts.rules.push((pattern, verdict(score, word)?));
    Ok(())
}

fn verdict(score: Option<f64>, word: Option<String>) -> Result<Verdict, String> {
    match (score, word) {
        (Some(score), None) if (0.0..=100.0).contains(&score) => Ok(Verdict::Score(score)),
        (Some(score), None) => Err(format!("score: {score} is no number from 0 to 100")),
        (None, Some(word)) if !word.trim().is_empty() => Ok(Verdict::Word(word)),
        (None, Some(_)) => Err("word: it is empty".into()),
        (None, None) | (Some(_), Some(_)) => Err("score and word: one of them is to be given".into()),
    }
}
