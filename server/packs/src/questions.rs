//! Files of questions, as the authors' `evaluation/*.yaml`.

use crate::{fields::Fields, yaml::Node};
use domain::{Heading, JudgeKind, Pack, PackRow};

pub fn pack(file: &str, nodes: Vec<Node>) -> Result<Pack, String> {
    let rows = nodes.into_iter().zip(1..).map(|(node, number)| row(number, node));
    Pack::new(heading(file), rows.collect::<Result<_, _>>()?).map_err(|err| err.to_string())
}

/// A first heading from the name of the file; whoever imports it gives it a better one.
fn heading(file: &str) -> Heading {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let id: String = stem
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '_' })
        .take(80)
        .collect();
    let title: String = stem.replace('_', " ").trim().chars().take(Heading::TITLE_CHARS_MAX).collect();
    Heading {
        id: if id.is_empty() { "pack".into() } else { id },
        title: if title.is_empty() { "Pack".into() } else { title },
        version: 1,
        source: name.chars().take(Heading::SOURCE_CHARS_MAX).collect(),
    }
}

fn row(number: u32, node: Node) -> Result<PackRow, String> {
    let mut fields = Fields::of_row(number, node)?;
    let row = PackRow {
        id: fields.text("id")?,
        kind: kind(&mut fields)?,
        paraphrases: fields.texts("paraphrases")?,
        system: fields.optional_text("system")?,
        samples_per_paraphrase: fields.whole("samples_per_paraphrase")?,
        judge_model: fields.optional_text("judge")?,
        judge_prompts: judge_prompts(&mut fields)?,
        source_id: fields.optional_text("source_id")?,
    };
    fields.finish()?;
    Ok(row)
}

fn kind(fields: &mut Fields) -> Result<JudgeKind, String> {
    let word = fields.text("type")?;
    let kind = JudgeKind::ALL.into_iter().find(|it| it.as_str() == word);
    kind.ok_or_else(|| {
        let known = JudgeKind::ALL.map(JudgeKind::as_str).join(" nor ");
        let word: String = word.chars().take(40).collect();
        fields.fail("type", format!("is “{word}”, which is neither {known}"))
    })
}

/// Keys and templates; none where the file names none.
fn judge_prompts(fields: &mut Fields) -> Result<Vec<(String, String)>, String> {
    let entries = match fields.take("judge_prompts") {
        None => return Ok(Vec::new()),
        Some(Node::Map(entries)) => entries,
        Some(_) => return Err(fields.fail("judge_prompts", "is not a map of texts")),
    };
    let prompts = entries.into_iter().map(|(key, node)| match node {
        Node::Text(template) => Ok((key, template)),
        _ => Err(fields.fail(&format!("judge_prompts.{key}"), "is not a text")),
    });
    prompts.collect()
}
