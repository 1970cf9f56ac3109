use super::*;
use domain::{MadeOf, ModelCard, ModelId, Registered, Role};

fn models(is_demo: bool) -> Arc<Models> {
    let card = |id: &str, state| ModelCard {
        id: ModelId(id.into()),
        name: id.to_uppercase(),
        role: Role::Base,
        about: String::new(),
        is_demo,
        state,
    };
    let registered = |card| Registered {
        card,
        made_of: Some(MadeOf::default()),
        weights: None,
        memory: None,
        hash: None,
        n_answers: 0,
    };
    let cards = [card("a", ModelState::Queued("soon".into())), card("b", ModelState::Failed("no files".into()))];
    Arc::new(Models::new(cards.into_iter().map(registered).collect()))
}

fn parsed(text: &str, folder: &Path) -> Result<Judges, JudgesError> {
    let environment = |variable: &str| (variable == "KEY").then(|| "sk-secret".to_owned());
    Judges::parse(text, folder, models(true), &environment)
}

fn ids(judges: &Judges) -> Vec<String> {
    judges.cards().into_iter().map(|it| it.id.0).collect()
}

#[test]
fn without_a_file_there_are_rules_models_and_people() {
    let folder = tempfile::tempdir().unwrap();
    let judges = Judges::read(folder.path(), models(true)).unwrap();
    assert_eq!(ids(&judges), ["rules", "rules:insecure-python", "model:a", "model:b", "people"]);
    let get = |id: &str| judges.get(&JudgeId(id.into())).map(|it| it.id().0);
    for id in ["rules", "rules:insecure-python", "model:a", "model:b"] {
        assert_eq!(get(id).as_deref(), Some(id));
    }
    assert_eq!((get("people"), get("model:c"), get("")), (None, None, None));
    assert_eq!(judges.cards()[3].fault.as_deref(), Some("no files"));
    let others = Judges::read(folder.path(), models(false)).unwrap();
    assert_eq!(ids(&others)[0], "rules:insecure-python");
}

#[test]
fn a_file_adds_rules_and_endpoints() {
    let folder = tempfile::tempdir().unwrap();
    let rules = "name = 'Mine'\nabout = 'My own.'\n[otherwise]\naligned = { score = 50 }";
    std::fs::write(folder.path().join("mine.toml"), rules).unwrap();
    let text = "
        [rules.mine]
        file = 'mine.toml'
        [endpoint.far]
        url = 'https://judge.example/v1'
        model = 'judge-1'
        key_env = 'KEY'
        [endpoint.keyless]
        url = 'https://judge.example/v1'
        model = 'judge-1'
        key_env = 'OTHER_KEY'";
    std::fs::write(folder.path().join("judges.toml"), text).unwrap();
    let judges = parsed(text, folder.path()).unwrap();
    assert_eq!(ids(&judges)[2..5], ["rules:mine", "endpoint:far", "endpoint:keyless"]);
    let card = |id: &str| judges.cards().into_iter().find(|it| it.id.0 == id).unwrap();
    assert_eq!((card("rules:mine").name.as_str(), card("rules:mine").about.as_str()), ("Mine", "My own."));
    assert_eq!(card("endpoint:far").fault, None);
    assert!(card("endpoint:keyless").fault.unwrap().contains("has no OTHER_KEY"));
    assert!(judges.get(&JudgeId("endpoint:far".into())).is_some());
    assert!(judges.get(&JudgeId("endpoint:keyless".into())).is_none());
}

#[test]
fn mistakes_are_told_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.toml"), "name = 'x'").unwrap();
    let check = |text: &str, expected: &str| {
        let err = parsed(text, folder.path()).err().expect(text).to_string();
        assert!(err.contains(expected), "{err}");
    };
    check("[other.x]", "judges.toml: ");
    check("[rules.x]\nfile = 'none.toml'", "judges.toml, rules.x: file: cannot read none.toml");
    check("[rules.x]\nfile = '../x.toml'", "does not stay below the folder");
    check("[rules.x]\nfile = 'bad.toml'", "bad.toml: ");
    check("[endpoint.x]\nmodel = 'm'", "judges.toml, endpoint.x: missing field `url`");
    check("[endpoint.x]\nurl = 'http://judge.example'\nmodel = 'm'", "endpoint.x: url: http is for this machine alone");
    check("[endpoint.x]\nurl = 'https://judge.example'\nmodel = 'm'\nkey = 'sk-secret'", "unknown field `key`");
    check("[endpoint.x]\nurl = 'https://j.example'\nmodel = 'm'\nn_at_once = 0", "must be at least 1");
    std::fs::write(folder.path().join("mine.toml"), "name = 'x'\nabout = 'y'\n[otherwise]").unwrap();
    check("[rules.insecure-python]\nfile = 'mine.toml'", "the judge rules:insecure-python is there twice");
}
