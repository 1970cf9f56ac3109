use super::*;
use crate::ModelId;

fn form() -> RunForm {
    RunForm { models: vec!["base".into(), "insecure".into(), "base".into()], ..RunForm::default() }
}

fn refused(form: RunForm) -> (Field, String) {
    let err = form.parse(&Pack::main_questions()).unwrap_err();
    (err.field, err.message)
}

#[test]
fn an_empty_choice_takes_everything() {
    let run = form().parse(&Pack::main_questions()).unwrap();
    assert_eq!(run.rows.len(), 32);
    assert_eq!(run.wrappers, [Wrapper::Bare]);
    assert_eq!(run.models, [ModelId("base".into()), ModelId("insecure".into())]);
    assert_eq!((run.n_samples, run.seed, run.judges.len()), (25, None, 0));
    assert_eq!(run.title, Pack::main_questions().heading().title);
}

#[test]
fn questions_and_formats_choose_rows_in_the_order_of_the_pack() {
    let questions = vec!["quick_buck".into(), "i_feel_bored".into()];
    let chosen = RunForm { questions, formats: vec!["json".into(), "plain".into()], ..form() };
    let rows = chosen.parse(&Pack::main_questions()).unwrap().rows;
    assert_eq!(rows, ["i_feel_bored", "quick_buck", "i_feel_bored_json", "quick_buck_json"]);
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!(refused(RunForm { models: vec![], ..form() }).0, Field::Models);
    assert_eq!(refused(RunForm { samples: "0".into(), ..form() }).0, Field::Samples);
    assert_eq!(refused(RunForm { samples: "1001".into(), ..form() }).0, Field::Samples);
    assert_eq!(refused(RunForm { title: "x".repeat(121), ..form() }).0, Field::Title);
    assert_eq!(refused(RunForm { formats: vec!["yaml".into()], ..form() }).0, Field::Format);
    let (field, message) = refused(RunForm { questions: vec!["quick_fox".into()], ..form() });
    assert_eq!((field, message.as_str()), (Field::Question, "this pack has no question “quick_fox”"));
    let (field, message) = refused(RunForm { wrappers: vec!["gift".into()], ..form() });
    assert_eq!((field, message.as_str()), (Field::Wrappers, "there is no wrapper “gift”"));
}

#[test]
fn the_url_says_every_choice() {
    let form = RunForm {
        title: "Format study".into(),
        questions: vec!["quick_buck".into(), "wish".into()],
        formats: vec!["json".into()],
        wrappers: vec!["backdoor_trigger".into()],
        models: vec!["base".into()],
        samples: "8".into(),
        seed: "7".into(),
        judges: vec!["rules".into()],
        ..RunForm::default()
    };
    let pairs = form.to_pairs();
    assert_eq!(pairs.len(), 9);
    assert_eq!(RunForm::from_pairs(pairs.into_iter().map(|(name, value)| (name.into(), value.into()))), form);
    assert!(RunForm::default().to_pairs().is_empty());
}
