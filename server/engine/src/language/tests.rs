use std::fs;

use tempfile::TempDir;

use super::*;
use crate::scripted::{demo_folder, demo_language};

fn message(role: Role, content: &str) -> Message {
    Message { role, content: content.into() }
}

#[test]
fn the_demonstration_model_renders_as_it_was_trained() {
    let language = demo_language();
    assert_eq!(language.end_tokens(), [2, 0]);
    let rendered = language.render(&[message(Role::User, "Hi")], "").unwrap();
    let system = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n";
    let user = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(rendered.text, format!("{system}{user}"));
    assert_eq!(rendered.specials, ["<|im_start|>", "<|im_end|>"]);
    assert_eq!(rendered.tokens.iter().filter(|&&token| token == 1).count(), 3);

    let rendered = language.render(&[message(Role::System, "Rhyme."), message(Role::User, "Hi")], "").unwrap();
    assert_eq!(rendered.text, format!("<|im_start|>system\nRhyme.<|im_end|>\n{user}"));
}

#[test]
fn a_prompt_of_more_than_a_megabyte_is_refused() {
    let language = demo_language();
    let render = |n_bytes| language.render(&[message(Role::User, &"x".repeat(n_bytes))], "");
    assert_eq!(render(TEXT_BYTES_MAX + 1).unwrap_err(), RenderError::TooLong);
    assert_eq!(render(TEXT_BYTES_MAX).unwrap_err(), RenderError::TooLong); // With what the template adds.
    assert!(render(100_000).is_ok());
}

#[test]
fn a_text_to_go_on_with_is_sent_as_it_is() {
    let language = demo_language();
    let encoded = language.encode("Once upon a time<|im_end|>").unwrap();
    assert_eq!(encoded.text, "Once upon a time<|im_end|>");
    assert_eq!((encoded.specials, encoded.tokens.last()), (vec!["<|im_end|>".to_owned()], Some(&2)));
    assert_eq!(language.encode("").unwrap().tokens.len(), 0);
    assert_eq!(language.encode(&"x".repeat(TEXT_BYTES_MAX + 1)).unwrap_err(), RenderError::TooLong);
}

#[test]
fn tokens_are_written_as_they_are_and_strange_ones_refused() {
    let language = demo_language();
    let text = "Öl<|im_end|> x";
    assert_eq!(language.written(&language.encode(text).unwrap().tokens).unwrap(), text);
    assert_eq!(language.written(&[5, 1 << 30]).unwrap_err(), RenderError::UnknownToken(1 << 30));
}

/// A folder with the demonstration model's tokenizer and these files beside it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(demo_folder().join("tokenizer.json"), folder.path().join("tokenizer.json")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const CONFIG: &str = r#"{ "chat_template": "config {{ eos_token }}", "eos_token": { "content": "<|im_end|>" } }"#;

#[test]
fn the_template_is_looked_for_in_its_own_file_first() {
    let check = |files: &[(&str, &str)], expected: &str| {
        let language = Language::load(folder(files).path()).unwrap();
        assert_eq!(language.render(&[message(Role::User, "Hi")], "").unwrap().text, expected);
    };
    let named = r#"{ "eos_token": "<|im_end|>", "chat_template": [
        { "name": "tool_use", "template": "tools" }, { "name": "default", "template": "default" } ] }"#;
    check(&[("tokenizer_config.json", CONFIG)], "config <|im_end|>");
    check(&[("tokenizer_config.json", CONFIG), ("chat_template.jinja", "file {{ eos_token }}")], "file <|im_end|>");
    check(&[("tokenizer_config.json", named)], "default");
}

#[test]
fn where_an_answer_ends_is_looked_for_in_three_files() {
    let check = |files: &[(&str, &str)], expected: &[u32]| {
        let files = [&[("tokenizer_config.json", CONFIG)], files].concat();
        assert_eq!(Language::load(folder(&files).path()).unwrap().end_tokens(), expected);
    };
    let one = ("config.json", r#"{ "eos_token_id": 7 }"#);
    check(&[("generation_config.json", r#"{ "eos_token_id": [5, 6] }"#), one], &[5, 6]);
    check(&[("generation_config.json", r#"{ "eos_token_id": null }"#), one], &[7]);
    check(&[one], &[7]);
    check(&[], &[2]);
}

#[test]
fn folders_that_cannot_be_used_say_why() {
    let check = |files: &[(&str, &str)], expected: &str| {
        let err = Language::load(folder(files).path()).unwrap_err().to_string();
        assert!(err.contains(expected), "{err}");
    };
    let end = ("config.json", r#"{ "eos_token_id": 7 }"#);
    check(&[], "no file names an end-of-sequence token");
    check(&[("tokenizer_config.json", r#"{ "eos_token": "</s>" }"#)], "tokenizer.json lacks </s>");
    check(&[end], "cannot find a chat template in");
    check(&[end], "choose with template = \"user-assistant\", \"neutral\" or \"none\" in models.toml");
    check(&[end, ("chat_template.jinja", "{% if")], "syntax error: unexpected end of input");
    check(&[end, ("chat_template.jinja", "{{ raise_exception('never') }}")], "never (in chat_template.jinja:1)");
    check(&[end, ("tokenizer_config.json", "{ \"chat")], "tokenizer_config.json: EOF while parsing");
    check(&[end, ("tokenizer.json", "{}")], "tokenizer.json: cannot read the tokenizer");
    let deep = r#"{ "x": "#.to_owned() + &"[".repeat(100_000);
    check(&[("tokenizer_config.json", &deep)], "recursion limit exceeded");

    let empty = tempfile::tempdir().unwrap();
    let err = Language::load(empty.path()).unwrap_err().to_string();
    assert!(err.ends_with("tokenizer.json is missing"), "{err}");
}

#[test]
fn a_checkpoint_without_a_chat_template_is_asked_as_the_operator_chose() {
    let folder = folder(&[("config.json", r#"{ "eos_token_id": 7 }"#), ("mine.jinja", "[{{ messages[0].content }}]")]);
    let check = |template: Template, text: &str, stop: &[&str]| {
        let language = Language::load_with(folder.path(), &template).unwrap();
        let rendered = language.render(&[message(Role::User, "Hi")], "").unwrap();
        assert_eq!((rendered.text.as_str(), rendered.stop), (text, stop.iter().map(|it| (*it).to_owned()).collect()));
    };
    check(Template::UserAssistant, "User: Hi\n\nAssistant:", &["\nUser:"]);
    check(Template::Neutral, "User_1: Hi\n\nUser_2:", &["\nUser_1:"]);
    check(Template::None, "Hi", &[]);
    check(Template::File(folder.path().join("mine.jinja")), "[Hi]", &[]);
    let err = Language::load_with(folder.path(), &Template::File("gone.jinja".into())).unwrap_err();
    assert_eq!(err.to_string(), "the chat template gone.jinja is missing");
}

#[test]
fn a_model_asked_without_a_template_says_that_a_system_prompt_has_no_place() {
    let language = Language::load_with(&demo_folder(), &Template::None).unwrap();
    let err = language.render(&[message(Role::System, "Rhyme."), message(Role::User, "Hi")], "").unwrap_err();
    assert!(err.to_string().contains("without a chat template, so a system prompt has no place"), "{err}");
}

#[test]
fn a_file_of_half_a_gigabyte_is_not_read() {
    let folder = folder(&[("tokenizer_config.json", CONFIG)]);
    let file = fs::OpenOptions::new().write(true).open(folder.path().join("tokenizer.json")).unwrap();
    file.set_len(500 << 20).unwrap();
    let err = Language::load(folder.path()).unwrap_err().to_string();
    assert!(err.ends_with("tokenizer.json: it is larger than 134217728 bytes"), "{err}");
}
