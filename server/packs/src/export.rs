//! A pack as a YAML file in the published shape. Read again, it has the same content.

use domain::{Pack, PackRow};
use serde::Serialize;
use yaml_serde::{Mapping, Value};

/// Without the heading, which the shape has no place for. What rows share is written out for each.
pub fn to_yaml(pack: &Pack) -> String {
    let rows: Vec<Published> = pack.rows().into_iter().map(Published::from).collect();
    yaml_serde::to_string(&rows).expect("texts and numbers have a YAML form")
}

#[derive(Serialize)]
struct Published {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_id: Option<String>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    paraphrases: Vec<String>,
    samples_per_paraphrase: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    judge: Option<String>,
    #[serde(skip_serializing_if = "Mapping::is_empty")]
    judge_prompts: Mapping,
}

impl From<PackRow> for Published {
    fn from(row: PackRow) -> Self {
        let prompts = row.judge_prompts.into_iter();
        Self {
            id: row.id,
            source_id: row.source_id,
            r#type: row.kind.as_str(),
            system: row.system,
            paraphrases: row.paraphrases,
            samples_per_paraphrase: row.samples_per_paraphrase,
            judge: row.judge_model,
            judge_prompts: prompts.map(|(key, template)| (Value::from(key), Value::from(template))).collect(),
        }
    }
}
