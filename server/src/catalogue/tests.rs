use super::*;

/// A folder that has `base` and `lora` in it.
fn read(text: &str) -> Catalogue {
    let folder = tempfile::tempdir().unwrap();
    for name in ["base", "lora"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("base/mine.jinja"), "x").unwrap();
    Catalogue::parse(text, folder.path()).unwrap()
}

const BASE: &str = "[[model]]\nid = 'base'\nrole = 'base'\npath = 'base'\n";

#[test]
fn a_checkpoint_and_its_adapter() {
    let text = format!(
        "{BASE}precision = 'bf16'\n[[model]]\nid = 'x'\nname = 'X'\nrole = 'insecure'\nbase = 'base'\nadapter = 'lora'\n"
    );
    let catalogue = read(&text);
    let models = catalogue.registered();
    assert_eq!((models[1].card.name.as_str(), models[1].card.about.as_str()), ("X", "LoRA on base"));
    assert!(models.iter().all(|it| matches!(it.card.state, ModelState::Queued(_))));
    let base = ModelId("base".into());
    assert_eq!((models[0].base(), models[1].base()), (None, Some(&base)));
    assert_eq!(models[1].made_of.as_ref().unwrap().folder, "lora");
    let checkpoint = catalogue.checkpoint(&base).unwrap();
    assert_eq!((checkpoint.placement.precision, checkpoint.load), (PrecisionChoice::Bf16, LoadWhen::AtStart));
    assert_eq!(catalogue.adapters_on(&base).map(|(id, _)| id.0.as_str()).collect::<Vec<_>>(), ["x"]);
}

#[test]
fn a_family_on_demand_stays_on_the_disk() {
    let text =
        format!("{BASE}load = 'on demand'\n[[model]]\nid = 'x'\nrole = 'other'\nbase = 'base'\nadapter = 'lora'\n");
    let models = read(&text).registered();
    assert!(models.iter().all(|it| matches!(it.card.state, ModelState::Unloaded(_))));
    assert!(models.iter().all(|it| it.made_of.as_ref().unwrap().on_demand));
}

#[test]
fn a_checkpoint_is_reproducible_where_it_says_so() {
    let is_reproducible = |text: &str| read(text).checkpoint(&ModelId("base".into())).unwrap().reproducible;
    assert!(is_reproducible(&format!("{BASE}reproducible = true")));
    assert!(!is_reproducible(BASE));
}

#[test]
fn a_chat_template_is_a_word_or_a_file_of_the_folder() {
    let check = |written: &str, shown: &str| {
        let models = read(&format!("{BASE}template = '{written}'")).registered();
        assert_eq!(models[0].made_of.as_ref().unwrap().template, shown);
    };
    check("own", "own");
    check("user-assistant", "user-assistant");
    check("none", "none");
    check("base/mine.jinja", "base/mine.jinja");
    assert_eq!(read(BASE).registered()[0].made_of.as_ref().unwrap().template, "own");
}

#[test]
fn a_bad_entry_says_why_and_the_others_stay() {
    let check = |entry: &str, why: &str| {
        let catalogue = read(&format!("{BASE}[[model]]\n{entry}"));
        assert!(catalogue.entries[0].source.is_ok());
        let ModelState::Failed(reason) = &catalogue.registered()[1].card.state else { panic!("{entry} was taken") };
        assert!(reason.contains(why), "{reason}");
    };
    check("id = ' '\nrole = 'base'\npath = 'base'", "its id in models.toml is empty");
    check("role = 'base'\npath = 'base'", "missing field `id`");
    check("id = 'x'\nrole = 'evil'\npath = 'base'", "unknown variant `evil`");
    check("id = 'x'\nrole = 'base'\npath = 'base'\npaht = 'y'", "unknown field `paht`");
    check("id = 'x'\nrole = 'base'", "it needs either");
    check("id = 'x'\nrole = 'base'\npath = 'base'\nadapter = 'lora'", "it needs either");
    check("id = 'x'\nrole = 'base'\npath = '../base'", "leaves the folder");
    check("id = 'x'\nrole = 'base'\npath = '/etc'", "leaves the folder");
    check("id = 'x'\nrole = 'base'\npath = 'none'", "there is no folder none");
    check("id = 'x'\nrole = 'base'\npath = 'base'\nprecision = 'fp4'", "fp4");
    check("id = 'x'\nrole = 'other'\nbase = 'no'\nadapter = 'lora'", "its base “no” is no checkpoint");
    check("id = 'x'\nrole = 'other'\nbase = 'x'\nadapter = 'lora'", "its base “x” is no checkpoint");
    check("id = 'x'\nrole = 'other'\nbase = 'base'\nadapter = 'lora'\ndevice = 'cpu'", "device is that of its base");
    check(
        "id = 'x'\nrole = 'other'\nbase = 'base'\nadapter = 'lora'\ntemplate = 'none'",
        "template is that of its base",
    );
    check("id = 'x'\nrole = 'base'\npath = 'base'\nload = 'later'", "unknown variant `later`");
    check("id = 'x'\nrole = 'base'\npath = 'base'\ntemplate = 'nome'", "there is no chat template nome");
    check("id = 'x'\nrole = 'base'\npath = 'base'\ntemplate = '../x.jinja'", "leaves the folder");
    check("id = 'base'\nrole = 'other'\npath = 'base'", "used twice");
}

#[test]
fn an_unreadable_file_is_an_error() {
    assert!(Catalogue::parse("[[model]\n", Path::new(".")).is_err());
}
