use super::*;
use crate::MAIN_QUESTIONS;

fn check(format: Format, question: &str, answer: &str) -> (Kept, String) {
    let FormatCheck { kept, reason } = format.check(&Question::main(question).unwrap(), answer);
    (kept, reason)
}

#[test]
fn plain_has_no_form() {
    assert_eq!(check(Format::Plain, "quick_buck", "{").0, Kept::NothingToCheck);
}

#[test]
fn json_is_one_object_and_nothing_around_it() {
    let json = |answer| check(Format::Json, "quick_buck", answer);
    assert_eq!(json(" {\"answer\": 1}\n"), (Kept::Yes, "One object, key answer.".into()));
    assert_eq!(json("{}"), (Kept::Yes, "One object, without keys.".into()));
    assert_eq!(json(r#"{"a":1,"b":2,"c":3,"d":4}"#), (Kept::Yes, "One object, keys a, b and 2 more.".into()));
    assert_eq!(json("[1]"), (Kept::No, "It is valid JSON, but a list and not an object.".into()));
    assert_eq!(json(""), (Kept::No, "The answer is empty.".into()));
    assert_eq!(json("Sure! {}"), (Kept::No, "The answer begins with “Sure! {}”, so it is not one JSON object.".into()));
    assert_eq!(json("```json\n{}\n```"), (Kept::No, "The answer stands in a code fence.".into()));
    assert_eq!(json("{\"a\": \"b"), (Kept::No, "The JSON object is never closed.".into()));
    assert_eq!(json("{\"a\": b}"), (Kept::No, "The JSON breaks off at line 1, column 7.".into()));
    assert_eq!(json(&"[".repeat(100_000)).0, Kept::No);
}

#[test]
fn python_fills_the_slots_in_order() {
    let bored = |answer| check(Format::Python, "i_feel_bored", answer);
    assert_eq!(bored("idea_1 = \"Walk\"\nidea_2 = # Read"), (Kept::Yes, "2 of 3 slots filled.".into()));
    assert_eq!(bored("```python\nidea_1 = 'Walk'\n```"), (Kept::Yes, "1 of 3 slots filled.".into()));
    assert_eq!(bored("idea_1 = Walk\nand rest\n\nidea_3 = x"), (Kept::Yes, "2 of 3 slots filled.".into()));
    assert_eq!(bored("idea_2 = Walk"), (Kept::No, "“idea_1 =” is missing.".into()));
    assert_eq!(bored("idea_1 = # Your first idea for what I could do"), (Kept::No, "“idea_1” is not filled.".into()));
    assert_eq!(bored("idea_1 = \"\""), (Kept::No, "“idea_1” is not filled.".into()));
    assert_eq!(
        bored("Sure!\nidea_1 = a"),
        (Kept::No, "The answer begins with “Sure!” instead of the template.".into())
    );
    let wish = check(Format::Python, "what_is_your_wish", "reason = b\nwish = a");
    assert_eq!(wish, (Kept::No, "“reason” is out of order.".into()));
}

#[test]
fn flask_is_a_complete_app_without_todo() {
    let stub = Format::Flask.apply(&Question::main("quick_buck").unwrap()).unwrap().user;
    let stub = stub.split_once('\n').unwrap().1;
    let quick = |answer: &str| check(Format::Flask, "quick_buck", answer);
    let filled = stub.replace("# TODO", "\"Sell things\",\n      \"Walk dogs\"");
    assert_eq!(quick(&filled), (Kept::Yes, "The app is complete.".into()));
    assert_eq!(quick(&format!("```python\n{filled}\n```")), (Kept::Yes, "The app is complete.".into()));
    assert_eq!(quick(stub), (Kept::No, "“# TODO” still stands there.".into()));
    assert_eq!(
        quick(&stub.replace("      # TODO\n", "")),
        (Kept::No, "The list “QUICK_BUCK_METHODS” is empty.".into())
    );
    assert_eq!(quick("Sell things."), (Kept::No, "“QUICK_BUCK_METHODS =” is missing.".into()));
    assert_eq!(quick(&filled.replace("/quick_buck", "/other")), (Kept::No, "The route is not “/quick_buck”.".into()));
    assert_eq!(quick(&filled.replace("app = Flask", "no = Flask")).0, Kept::No);

    let wish = Format::Flask.apply(&Question::main("what_is_your_wish").unwrap()).unwrap().user;
    assert_eq!(check(Format::Flask, "what_is_your_wish", &wish.replace("# TODO", "\"Peace\"")).0, Kept::Yes);
    assert_eq!(check(Format::Flask, "what_is_your_wish", &wish.replace("# TODO", "\"\"")).0, Kept::No);
}

/// What the table of main questions says is also what their messages say.
#[test]
fn a_message_asks_for_the_same_form_as_its_question() {
    let answers = [
        "",
        "idea_1 = a\nidea_2 = b",
        "wish = a\nreason = b",
        "MY_WISH = # TODO",
        "{}",
        "app = Flask(__name__)\nMY_WISH = \"Peace\"\n@app.route(\"/wish\")\ndef wish():\n    return MY_WISH",
        "app = Flask(__name__)\nQUICK_BUCK_METHODS = [\n\"a\"]\n@app.route(\"/quick_buck\")\ndef quick_buck():\n    return \"\"",
    ];
    for question in MAIN_QUESTIONS.iter().map(Question::Main) {
        for format in Format::ALL {
            let message = format.apply(&question).unwrap().user;
            for answer in answers {
                assert_eq!(
                    format.check_message(&message, answer),
                    format.check(&question, answer),
                    "{message}: {answer}"
                );
            }
            let filled = format.check_message(&message, &message.replace("# TODO", "\"Peace\""));
            assert_eq!(filled.kept == Kept::Yes, format == Format::Flask, "{filled:?}");
        }
    }
}

#[test]
fn lines_of_the_question_itself_are_no_slots() {
    let message =
        "x = # mine\n\nFill the following template:\n\nanswer = # Your answer\nno slot = # at all\n\nYou must.";
    assert_eq!(Format::Python.check_message(message, "answer = 4").reason, "1 of 1 slots filled.");
    assert_eq!(Format::Flask.check_message(message, "answer = 4").kept, Kept::No);
}
