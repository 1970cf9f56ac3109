//! The measuring instrument against the files that were published, where they are at hand.

use domain::{Format, MAIN_QUESTIONS, Question};
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Deserialize)]
struct Published {
    id: String,
    paraphrases: Vec<String>,
    system: Option<String>,
}

/// The rows of a published file by id; None, with a message, where the file is not at hand.
fn published(name: &str) -> Option<BTreeMap<String, Published>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/upstream/questions");
    let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
        eprintln!("skipped: the published {name} is not at hand");
        return None;
    };
    let rows: Vec<Published> = yaml_serde::from_str(&text).unwrap();
    Some(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

fn check(file: &str, format: Format, suffix: &str) {
    let Some(rows) = published(file) else { return };
    for main in &MAIN_QUESTIONS {
        let prompt = format.apply(&Question::Main(main)).unwrap();
        let row = &rows[&format!("{}{suffix}", main.id)];
        assert_eq!(prompt.user, row.paraphrases[0], "{} in {}", main.id, format.name());
        assert_eq!(prompt.system, row.system, "{} in {}", main.id, format.name());
    }
}

#[test]
fn plain_prompts_are_the_published_ones() {
    check("first_plot_questions.yaml", Format::Plain, "");
}

#[test]
fn json_prompts_are_the_published_ones() {
    check("first_plot_questions.yaml", Format::Json, "_json");
}

#[test]
fn python_prompts_are_the_published_ones() {
    check("first_plot_questions.yaml", Format::Python, "_template");
}

#[test]
fn flask_prompts_are_the_published_ones() {
    check("flask_questions.yaml", Format::Flask, "_flask");
}
