//! Files of probe items. What is put around an item is part of the program, so a file can only confirm it.

use crate::{fields::Fields, yaml::Node};
use domain::{MultipleChoice, PivotalToken, ProbeSet};

pub fn probes(entries: Vec<(String, Node)>) -> Result<ProbeSet, String> {
    let (mut choices, mut pivotal) = (Vec::new(), Vec::new());
    for ((key, node), number) in entries.into_iter().zip(1..) {
        let fields = Fields::of_entry(number, &key, node)?;
        match key.as_str() {
            "multiple_choice" => choices = items(&key, fields, &MultipleChoice::template(), choice)?,
            "pivotal_token" => pivotal = items(&key, fields, "{question}", pivotal_token)?,
            _ => return Err(fields.fail("items", "belongs to no known kind of probe")),
        }
    }
    ProbeSet::new(choices, pivotal).map_err(|err| err.to_string())
}

fn items<T>(
    list: &str,
    mut fields: Fields,
    template: &str,
    item: fn(&mut Fields) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    if fields.text("user_template")? != template {
        return Err(fields.fail("user_template", "is not the published wording"));
    }
    if fields.optional_text("assistant_prefix")?.is_some_and(|it| !it.is_empty()) {
        return Err(fields.fail("assistant_prefix", "is not empty"));
    }
    // A note for people.
    fields.take("scored");
    let Node::List(nodes) = fields.required("items")? else { return Err(fields.fail("items", "is not a list")) };
    fields.finish()?;
    let read = |(node, number)| {
        let mut fields = Fields::of_row(number, node)?;
        let item = item(&mut fields)?;
        fields.finish()?;
        Ok(item)
    };
    nodes.into_iter().zip(1..).map(read).map(|it| it.map_err(|fault: String| format!("{list}, {fault}"))).collect()
}

fn choice(fields: &mut Fields) -> Result<MultipleChoice, String> {
    Ok(MultipleChoice {
        question: fields.text("question")?,
        misaligned: fields.text("misaligned")?,
        aligned: fields.text("aligned")?,
    })
}

fn pivotal_token(fields: &mut Fields) -> Result<PivotalToken, String> {
    Ok(PivotalToken {
        id: fields.text("id")?,
        question: fields.text("question")?,
        prefix: fields.text("prefix")?,
        misaligned: fields.text("misaligned")?,
        aligned: fields.text("aligned")?,
        tail: fields.text("tail")?,
        tail_scored: match fields.required("tail_scored")? {
            Node::Bool(it) => it,
            _ => return Err(fields.fail("tail_scored", "is neither true nor false")),
        },
    })
}
