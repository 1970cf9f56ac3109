use super::*;

fn form() -> FollowForm {
    FollowForm {
        parent: ComparisonId(12),
        from: vec!["3-1".into(), "1-2".into()],
        text: "Why?".into(),
        beginning: String::new(),
        samples: "1".into(),
        temperature: "1".into(),
        top_p: "1".into(),
        max_tokens: "600".into(),
        seed: String::new(),
    }
}

#[test]
fn answers_are_followed_in_the_order_of_their_columns() {
    let new = NewFollowUp::parse(&form()).unwrap();
    let places: Vec<_> = new.from.iter().map(|it| (it.column_idx, it.sample_idx)).collect();
    assert_eq!(places, [(0, 1), (2, 0)]);
    assert_eq!(new.from.iter().map(|it| it.word()).collect::<Vec<_>>(), ["1-2", "3-1"]);
}

#[test]
fn each_wrong_field_of_a_follow_up_is_named() {
    let check = |field, change: fn(&mut FollowForm)| {
        let mut form = form();
        change(&mut form);
        assert_eq!(NewFollowUp::parse(&form).unwrap_err().field, field);
    };
    check(Field::Question, |it| it.text = " \n".into());
    check(Field::Columns, |it| it.from.clear());
    check(Field::Columns, |it| it.from.push("x".into()));
    check(Field::Columns, |it| it.from.push("0-1".into()));
    check(Field::Columns, |it| it.from.push("1-1".into()));
    check(Field::Beginning, |it| it.beginning = "x".repeat(32_001));
    check(Field::Samples, |it| it.samples = "9".into());
    check(Field::TopP, |it| it.top_p = "0".into());
    check(Field::Seed, |it| it.seed = "-1".into());
}

#[test]
fn an_answer_is_continued_from_a_text_that_is_not_empty() {
    let check = |text: &str, expected: Option<&str>| {
        let form = EditForm { answer: AnswerId(7), text: text.into(), all: None };
        assert_eq!(NewEdit::parse(&form).ok().map(|it| it.beginning.text().to_owned()).as_deref(), expected);
    };
    check("I would\r\n", Some("I would\n"));
    check(" ", Some(" "));
    check("", None);
    check(&"x".repeat(32_001), None);
}
