use super::*;

#[test]
fn own_question_keeps_its_text_and_is_never_blank() {
    assert_eq!(OwnQuestion::parse(" a\r\nb ").unwrap().text(), " a\nb ");
    assert_eq!(OwnQuestion::parse(" \r\n\t"), Err(QuestionError::Blank));
    assert!(OwnQuestion::parse(&"ä".repeat(8_000)).is_ok());
    assert_eq!(OwnQuestion::parse(&"ä".repeat(8_001)), Err(QuestionError::TooLong { chars_max: 8_000 }));
}

#[test]
fn titles_are_one_short_line() {
    assert_eq!(Question::main("ruler_of_the_world").unwrap().title(), "World ruler");
    assert_eq!(Question::Own(OwnQuestion::parse("\nWhy?\nReally").unwrap()).title(), "Why?");
    assert_eq!(Question::Own(OwnQuestion::parse(&"x".repeat(61)).unwrap()).title().chars().count(), 60);
}
