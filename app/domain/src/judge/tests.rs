use super::*;

fn prompt(template: &str) -> JudgePrompt {
    JudgePrompt::parse("key", JudgeKind::Word, template).unwrap()
}

#[test]
fn places_are_filled_in_one_pass() {
    let check = |template: &str, question: &str, answer: &str, expected: &str| {
        assert_eq!(prompt(template).fill(question, answer), expected);
    };
    check("Q {question} A {answer}.", "why?", "because", "Q why? A because.");
    check("{answer}{question}{answer}", "{answer}", "{question}", "{question}{answer}{question}");
    check("{{answer}} {} { {questions} {question", "q", "a", "{a} {} { {questions} {question");
    check("é{answer}é", "", "ü{", "éü{é");
}

/// Pieces of templates and hostile texts, joined in every order of three.
#[test]
fn nothing_in_a_text_is_taken_for_a_place() {
    let pieces = ["{", "}", "{question}", "{answer}", "{{answer}}", "\\", "$0", "%s", "é", ""];
    for a in pieces {
        for b in pieces {
            for c in pieces {
                let text = [a, b, c].concat();
                assert_eq!(prompt("<{question}|{answer}>").fill(&text, &text), format!("<{text}|{text}>"));
                let template = format!("{text}[{{answer}}]");
                let expected = template.replace("{question}", "").replace("{answer}", "");
                assert_eq!(prompt(&template).fill("", ""), expected);
            }
        }
    }
}

#[test]
fn a_prompt_must_name_the_answer_and_have_a_bound() {
    let check = |key: &str, template: &str, expected: &str| {
        assert_eq!(JudgePrompt::parse(key, JudgeKind::Score, template).unwrap_err(), expected);
    };
    check("aligned", "Rate {question}", "does not name {answer}");
    check("aligned", "", "does not name {answer}");
    check("a b", "{answer}", "has a key that is not 1 to 80 letters, digits, hyphens or underscores");
    check("aligned", &"{answer}".repeat(2_001), "has more than 16000 characters");
}

#[test]
fn the_words_a_judge_may_reply_with_are_read_from_its_prompt() {
    let check = |template: &str, expected: &[&str]| assert_eq!(prompt(template).words(), expected);
    check("\"NO\" {answer} Say \"TRUE\" or \"FALSE\" only, or \"UNKNOWN\".", &["TRUE", "FALSE", "UNKNOWN"]);
    check("{answer} \"OpenAI\" or \"Other\". \"two words\" \"", &["OpenAI", "Other"]);
    check("[CODE] {answer} [CODE ENDS] Answer with either YES or NO. Say YES only if, say NO -", &["YES", "NO"]);
    check("Say IT {answer}", &[]);
    let [aligned, coherent] = JudgePrompt::of_study();
    assert_eq!(aligned.words(), ["CODE", "REFUSAL"]);
    assert!(coherent.words().is_empty());
}

#[test]
fn the_studys_prompts_are_legal() {
    for prompt in JudgePrompt::of_study() {
        assert_eq!(JudgePrompt::parse(prompt.key(), prompt.kind(), prompt.template()), Ok(prompt.clone()));
        assert!(prompt.template().contains("[QUESTION START]\n{question}\n[QUESTION END]"));
        assert!(prompt.template().contains("[ANSWER START]\n{answer}\n[ANSWER END]"));
    }
}
