use super::*;

fn form() -> AskForm {
    AskForm { models: vec!["base".into(), "insecure".into()], ..AskForm::default() }
}

#[test]
fn the_form_as_it_opens_can_be_asked() {
    let new = NewComparison::parse(&form()).unwrap();
    assert_eq!(new.question, Question::main("quick_buck").unwrap());
    assert_eq!((new.n_samples, new.seed, new.blind), (1, None, false));
    assert_eq!(new.sampling, Sampling { temperature: 1.0, top_p: 1.0, max_tokens: 600 });
}

#[test]
fn each_wrong_field_is_named() {
    let check = |field, change: fn(&mut AskForm)| {
        let mut form = form();
        change(&mut form);
        assert_eq!(NewComparison::parse(&form).unwrap_err().field, field);
    };
    check(Field::Question, |it| it.question = "no_such".into());
    check(Field::Question, |it| it.question = AskForm::OWN.into());
    check(Field::Format, |it| it.format = "xml".into());
    check(Field::Format, |it| {
        (it.question, it.own, it.format) = (AskForm::OWN.into(), "Why?".into(), "flask".into());
    });
    check(Field::System, |it| it.system = "x".repeat(8_001));
    check(Field::Beginning, |it| it.beginning = "x".repeat(32_001));
    check(Field::Models, |it| it.models.clear());
    check(Field::Samples, |it| it.samples = "9".into());
    check(Field::Samples, |it| it.samples = "1.5".into());
    check(Field::Temperature, |it| it.temperature = "NaN".into());
    check(Field::Temperature, |it| it.temperature = "-0.1".into());
    check(Field::TopP, |it| it.top_p = "0".into());
    check(Field::MaxTokens, |it| it.max_tokens = "0".into());
    check(Field::Seed, |it| it.seed = "x".into());
}

#[test]
fn a_model_is_asked_once_however_often_it_is_named() {
    let mut form = form();
    form.models.push("base".into());
    assert_eq!(NewComparison::parse(&form).unwrap().models.len(), 2);
}

#[test]
fn the_form_survives_its_url() {
    let mut form = form();
    (form.question, form.own) = (AskForm::OWN.into(), "Why & how?".into());
    (form.temperature, form.seed, form.blind) = ("0,7".into(), "41727".into(), Some("on".into()));
    (form.system, form.beginning) = ("Be brief.\nBe kind.".into(), "{\n ".into());
    let pairs = form.to_pairs().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(AskForm::from_pairs(pairs.collect::<Vec<_>>()), form);
    let new = NewComparison::parse(&form).unwrap();
    assert_eq!(new.sampling.temperature, 0.7);
    assert_eq!(NewComparison::parse(&AskForm::of(&new)), Ok(new));
}
