use super::*;
use crate::{Blindness, Column, Sampling, Seed, Timestamp};

fn comparison(question: &str, format: Format) -> Comparison {
    Comparison {
        id: ComparisonId(2),
        question_id: None,
        question_text: question.into(),
        format,
        verbatim: None,
        system: None,
        beginning: Beginning::default(),
        sampling: Sampling::default(),
        n_samples: 1,
        seed: Seed(1),
        blindness: Blindness::Open,
        created_at: Timestamp(0),
        origin: None,
        turns: Vec::new(),
        columns: (0..2)
            .map(|slot| Column { slot, model: None, prompt: None, answers: Vec::new(), wait: None })
            .collect(),
    }
}

fn said(text: &str) -> Said {
    Said { answer: AnswerId(1), column_idx: 0, sample_idx: 0, message: None, text: text.into() }
}

fn turn(question: &str, format: Format, answers: [&str; 2]) -> Turn {
    Turn {
        comparison: ComparisonId(1),
        question_id: None,
        question_text: question.into(),
        format,
        verbatim: None,
        system: None,
        beginning: Beginning::default(),
        answers: answers.map(said).to_vec(),
    }
}

fn check(comparison: &Comparison, column_idx: usize, expected: &[(Speaker, &str)]) {
    let messages = comparison.messages(column_idx).unwrap();
    let messages: Vec<_> = messages.iter().map(|it| (it.speaker, it.text.as_str())).collect();
    assert_eq!(messages, expected);
}

#[test]
fn each_column_goes_on_with_its_own_answers() {
    let mut comparison = comparison("And then?", Format::Plain);
    comparison.turns = vec![turn("Why?", Format::Plain, ["Because.", "Why not?"])];
    for (column_idx, answer) in ["Because.", "Why not?"].into_iter().enumerate() {
        let expected = [(Speaker::User, "Why?"), (Speaker::Assistant, answer), (Speaker::User, "And then?")];
        check(&comparison, column_idx, &expected);
    }
}

#[test]
fn the_beginning_that_was_given_is_said_with_the_answer() {
    let mut comparison = comparison("And then?", Format::Plain);
    let mut turn = turn("Why?", Format::Plain, [" do not know.", " will not say."]);
    turn.beginning = Beginning::parse("I").unwrap();
    comparison.turns = vec![turn];
    let expected = [(Speaker::User, "Why?"), (Speaker::Assistant, "I will not say."), (Speaker::User, "And then?")];
    check(&comparison, 1, &expected);
}

#[test]
fn ones_own_system_prompt_stands_above_that_of_the_format() {
    let mut comparison = comparison("Why?", Format::Json);
    comparison.system = SystemPrompt::parse("Be brief.").unwrap();
    let messages = comparison.messages(0).unwrap();
    assert_eq!(messages[0].speaker, Speaker::System);
    assert!(messages[0].text.starts_with("Be brief.\n\nYour answers must always be a valid JSON object."));
    comparison.format = Format::Plain;
    check(&comparison, 0, &[(Speaker::System, "Be brief."), (Speaker::User, "Why?")]);
}

#[test]
fn the_system_message_of_the_first_turn_stands_over_all() {
    let mut comparison = comparison("And then?", Format::Json.of_follow_up());
    let mut first = turn("Why?", Format::Json, ["{}", "[]"]);
    first.system = SystemPrompt::parse("Be brief.").unwrap();
    comparison.turns = vec![first, turn("How?", Format::Json, ["{\"a\": 1}", "no"])];
    let messages = comparison.messages(0).unwrap();
    let n_systems = messages.iter().filter(|it| it.speaker == Speaker::System).count();
    assert_eq!((n_systems, messages.len()), (1, 6));
    assert!(messages[0].text.starts_with("Be brief.\n\nYour answers"));
}

#[test]
fn a_template_is_filled_once_and_what_follows_is_plain() {
    assert_eq!(Format::ALL.map(Format::of_follow_up), [Format::Plain, Format::Json, Format::Plain, Format::Plain]);
    let mut comparison = comparison("And then?", Format::Python.of_follow_up());
    comparison.turns = vec![turn("Why?", Format::Python, ["answer = 1", "answer = 2"])];
    let messages = comparison.messages(0).unwrap();
    assert!(messages[0].text.contains("Fill the following template:"));
    assert_eq!(messages[2].text, "And then?");
}

#[test]
fn a_conversation_ends_after_twenty_turns() {
    let mut comparison = comparison("And then?", Format::Plain);
    comparison.turns = vec![turn("Why?", Format::Plain, ["a", "b"]); TURNS_MAX - 2];
    assert_eq!(comparison.takes_another_turn(), Ok(()));
    comparison.turns.push(turn("Why?", Format::Plain, ["a", "b"]));
    assert!(comparison.takes_another_turn().unwrap_err().contains("at most 20 turns"));
}
