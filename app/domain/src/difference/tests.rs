use super::*;
use Change::{Added, Removed, Same};

fn check(reference: &str, text: &str, expected: &[(Change, &str)]) {
    assert_eq!(Difference::between(reference, text).parts, expected, "{text:?} against {reference:?}");
}

#[test]
fn words_that_came_and_went_stand_beside_each_other() {
    check(
        "Sell old books, then walk.",
        "Sell old phones, then walk dogs.",
        &[
            (Same, "Sell old "),
            (Removed, "books"),
            (Added, "phones"),
            (Same, ", then walk "),
            (Added, "dogs"),
            (Same, "."),
        ],
    );
}

#[test]
fn white_space_is_no_difference_and_the_text_keeps_its_own() {
    check("a  b\nc", "a b c", &[(Same, "a b c")]);
    check("", "  a\n", &[(Added, "  a\n")]);
    check("a", "", &[(Removed, "a")]);
    check("", "", &[]);
}

#[test]
fn what_is_the_same_and_what_was_added_make_up_the_text() {
    let texts =
        ["", " ", "don’t you, don't I?", "{\"a\": [1,\n 2]}", "🚀🚀 und Größe\r\n\r\n", "a a a b a", "b a\u{0}a"];
    for reference in texts {
        for text in texts {
            let difference = Difference::between(reference, text);
            let of = |gone: Change| {
                difference.parts.iter().filter(|(it, _)| *it != gone).map(|(_, text)| *text).collect::<String>()
            };
            assert_eq!(of(Removed), text, "{text:?} against {reference:?}");
            let signs = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(signs(&of(Added)), signs(reference), "{text:?} against {reference:?}");
        }
    }
}

#[test]
fn the_share_counts_words_and_no_signs() {
    let share = |reference: &str, text: &str| Difference::between(reference, text).shared_percent();
    assert_eq!(share("one two three", "one, two!"), Some(80.0));
    assert_eq!(share("one", "two"), Some(0.0));
    assert_eq!(share("...", "!"), None);
}
