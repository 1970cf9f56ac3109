use super::*;

fn message(role: Role, content: &str) -> Message {
    Message { role, content: content.into() }
}

fn render(template: &Template, messages: &[Message], beginning: &str) -> Result<String, RenderError> {
    template.frame().unwrap().render(messages, beginning)
}

#[test]
fn a_choice_is_a_word_or_a_file() {
    for word in ["own", "user-assistant", "neutral", "none", "templates/plain.jinja"] {
        assert_eq!(Template::named(word).to_string(), word);
    }
    assert_eq!(Template::named("None"), Template::File("None".into()));
}

#[test]
fn speakers_are_named_before_each_turn() {
    let check = |template: Template, messages: &[Message], expected: &str| {
        assert_eq!(render(&template, messages, "").unwrap(), expected);
    };
    let hi = message(Role::User, "Hi");
    let turns = [message(Role::System, "Be brief."), hi.clone(), message(Role::Assistant, " Yes?\n"), hi.clone()];
    check(Template::UserAssistant, std::slice::from_ref(&hi), "User: Hi\n\nAssistant:");
    check(Template::UserAssistant, &turns, "Be brief.\n\nUser: Hi\n\nAssistant: Yes?\n\nUser: Hi\n\nAssistant:");
    check(Template::Neutral, &turns, "Be brief.\n\nUser_1: Hi\n\nUser_2: Yes?\n\nUser_1: Hi\n\nUser_2:");
}

#[test]
fn the_beginning_of_an_answer_stands_behind_its_speaker() {
    let hi = [message(Role::User, "Hi")];
    assert_eq!(render(&Template::UserAssistant, &hi, "I").unwrap(), "User: Hi\n\nAssistant: I");
    assert_eq!(render(&Template::UserAssistant, &hi, " I").unwrap(), "User: Hi\n\nAssistant: I");
    assert_eq!(render(&Template::None, &hi, "I").unwrap(), "HiI");
}

#[test]
fn without_a_template_one_message_is_the_text_and_nothing_else_has_a_place() {
    let hi = message(Role::User, " Once upon\n");
    assert_eq!(render(&Template::None, std::slice::from_ref(&hi), "").unwrap(), " Once upon\n");
    let err = |messages: &[Message]| render(&Template::None, messages, "").unwrap_err();
    assert_eq!(err(&[message(Role::System, "Be brief."), hi.clone()]), RenderError::Bare("a system prompt"));
    assert_eq!(err(&[hi.clone(), hi]), RenderError::Bare("a conversation"));
    assert_eq!(err(&[]), RenderError::Bare("a conversation"));
}

#[test]
fn an_answer_ends_where_the_next_turn_begins() {
    assert_eq!(Template::UserAssistant.frame().unwrap().stop(), ["\nUser:"]);
    assert_eq!(Template::Neutral.frame().unwrap().stop(), ["\nUser_1:"]);
    assert!(Template::None.frame().unwrap().stop().is_empty());
}
