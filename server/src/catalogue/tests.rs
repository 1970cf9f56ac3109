use super::*;

/// A folder that has `base` and `lora` in it.
fn read(text: &str) -> Catalogue {
    let folder = tempfile::tempdir().unwrap();
    for name in ["base", "lora"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    Catalogue::parse(text, folder.path()).unwrap()
}

const BASE: &str = "[[model]]\nid = 'base'\nrole = 'base'\npath = 'base'\n";

#[test]
fn a_checkpoint_and_its_adapter() {
    let text = format!(
        "{BASE}precision = 'bf16'\n[[model]]\nid = 'x'\nname = 'X'\nrole = 'insecure'\nbase = 'base'\nadapter = 'lora'\n"
    );
    let catalogue = read(&text);
    let cards = catalogue.cards();
    assert_eq!((cards[1].name.as_str(), cards[1].about.as_str()), ("X", "LoRA on base"));
    assert!(cards.iter().all(|it| it.state == ModelState::Loading));
    let Ok(Source::Checkpoint { placement, .. }) = &catalogue.entries[0].source else { panic!("no checkpoint") };
    assert_eq!(placement.precision, PrecisionChoice::Bf16);
}

#[test]
fn a_bad_entry_says_why_and_the_others_stay() {
    let check = |entry: &str, why: &str| {
        let catalogue = read(&format!("{BASE}[[model]]\n{entry}"));
        assert!(catalogue.entries[0].source.is_ok());
        let ModelState::Failed(reason) = &catalogue.cards()[1].state else { panic!("{entry} was taken") };
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
    check("id = 'x'\nrole = 'other'\nbase = 'base'\nadapter = 'lora'\ndevice = 'cpu'", "those of its base");
    check("id = 'base'\nrole = 'other'\npath = 'base'", "used twice");
}

#[test]
fn an_unreadable_file_is_an_error() {
    assert!(Catalogue::parse("[[model]\n", Path::new(".")).is_err());
}
