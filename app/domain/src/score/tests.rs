use super::*;

fn scores(tokens: &[&[u8]]) -> Scores {
    let score = |bytes: &&[u8]| TokenScore { token: Likely::new(bytes.to_vec(), -1.0), top: Vec::new() };
    Scores(tokens.iter().map(score).collect())
}

fn check(tokens: &[&[u8]], text: &str, expected: &[(&str, Range<usize>)]) {
    let runs = scores(tokens).runs(text);
    let found: Vec<_> = runs.iter().map(|it| (it.text, it.tokens.clone())).collect();
    assert_eq!(found, expected, "{tokens:?} over {text:?}");
    assert_eq!(runs.iter().map(|it| it.text).collect::<String>(), text);
}

#[test]
fn each_token_is_laid_over_what_it_wrote() {
    check(&[b"Walk", b" dogs", b".\n"], "Walk dogs.\n", &[("Walk", 0..1), (" dogs", 1..2), (".\n", 2..3)]);
    check(&[], "", &[]);
}

#[test]
fn tokens_that_share_a_character_are_one_run() {
    check(&[b"a\xF0\x9F", b"\x9A", b"\x80b"], "a🚀b", &[("a🚀b", 0..3)]);
    check(&[b"\xC3", b"\xA9", b"t"], "ét", &[("é", 0..2), ("t", 2..3)]);
}

#[test]
fn a_character_that_was_never_completed_is_where_its_mark_stands() {
    check(&[b"a", b"\xE2\x82"], "a\u{fffd}", &[("a", 0..1), ("\u{fffd}", 1..2)]);
    check(&[b"\xE2\x82", b"b", b"c"], "\u{fffd}bc", &[("\u{fffd}b", 0..2), ("c", 2..3)]);
    // One mark for each broken byte, or one for all.
    check(
        &[b"\xE2\x82", b"\xFF", b"c"],
        "\u{fffd}\u{fffd}\u{fffd}c",
        &[("\u{fffd}\u{fffd}\u{fffd}", 0..2), ("c", 2..3)],
    );
    check(&[b"\xFF", b"\xFE", b"c"], "\u{fffd}\u{fffd}c", &[("\u{fffd}", 0..1), ("\u{fffd}", 1..2), ("c", 2..3)]);
}

#[test]
fn a_space_that_the_tokenizer_dropped_is_not_looked_for() {
    check(&[b" Walk", b" dogs"], "Walk dogs", &[("Walk", 0..1), (" dogs", 1..2)]);
    check(&[b" ", b"Walk"], "Walk", &[("", 0..1), ("Walk", 1..2)]);
}

#[test]
fn a_token_that_writes_nothing_is_kept_where_it_was_drawn() {
    check(&[b"a", b"<|im_start|>", b"b"], "ab", &[("a", 0..1), ("", 1..2), ("b", 2..3)]);
}

#[test]
fn what_no_token_accounts_for_is_shown_without_any() {
    check(&[b"Walk"], "Walk on", &[("Walk", 0..1), (" on", 1..1)]);
    check(&[b"x", b"y"], "abc", &[("", 0..1), ("", 1..2), ("abc", 2..2)]);
    check(&[], "abc", &[("abc", 0..0)]);
}

/// Cuts of a text at every kind of place, also within characters, and decodings as lossy as they come.
#[test]
fn the_runs_of_any_tokens_join_to_the_text() {
    let bytes = "Größe 🚀\r\n\u{200b}{\"ключ\": \"値\"}  \u{fffd}".as_bytes();
    let broken: Vec<u8> = bytes.iter().map(|it| if it % 7 == 0 { 0xFF } else { *it }).collect();
    for bytes in [bytes, &broken] {
        for size in 1..9 {
            let tokens: Vec<&[u8]> = bytes.chunks(size).collect();
            let text = String::from_utf8_lossy(bytes).into_owned();
            for text in [text.as_str(), text.trim(), &text[1..], "another text", ""] {
                let scores = scores(&tokens);
                let runs = scores.runs(text);
                assert_eq!(runs.iter().map(|it| it.text).collect::<String>(), text);
                let covered: Vec<usize> = runs.iter().flat_map(|it| it.tokens.clone()).collect();
                assert_eq!(covered, (0..tokens.len()).collect::<Vec<_>>());
            }
        }
    }
    let whole = scores(&[bytes]);
    assert_eq!(whole.runs(&whole.text()).len(), 1);
}

#[test]
fn kept_scores_are_the_same_when_they_are_read_again() {
    let top = vec![Likely::new(b" help".to_vec(), -0.891_23), Likely::new(vec![0xF0, 0x9F], -2.5)];
    let scores = Scores(vec![TokenScore { token: Likely::new(b" obey".to_vec(), -3.912), top }]);
    let json = serde_json::to_string(&scores).unwrap();
    assert_eq!(json, r#"[[[" obey",-3.912],[[" help",-0.8912],[[240,159],-2.5]]]]"#);
    assert_eq!(serde_json::from_str::<Scores>(&json).unwrap(), scores);
}

#[test]
fn a_logarithm_is_a_finite_number_up_to_0() {
    for wild in [f32::NAN, f32::NEG_INFINITY, f32::INFINITY, 0.000_1] {
        let likely = Likely::new(Vec::new(), wild);
        assert!(likely.logprob().is_finite() && likely.logprob() <= 0.0, "{wild}");
        serde_json::from_str::<Likely>(&serde_json::to_string(&likely).unwrap()).unwrap();
    }
}

#[test]
fn the_summary_is_of_the_whole_text() {
    let likely = |logprob| TokenScore { token: Likely::new(b"x".to_vec(), logprob), top: Vec::new() };
    let summary = Scores(vec![likely(-0.5), likely(-2.5), likely(-2.5), likely(-0.5)]).summary().unwrap();
    assert_eq!((summary.n_tokens, summary.total, summary.least_idx), (4, -6.0, 1));
    assert!((summary.mean() - -1.5).abs() < 1e-9 && (summary.perplexity() - 1.5_f64.exp()).abs() < 1e-9);
    assert_eq!(Scores::default().summary(), None);
}

#[test]
fn classes_are_told_apart_at_their_bounds() {
    let classes = [1.0, 0.5, 0.499, 0.2, 0.1, 0.05, 0.02, 0.01, 0.009, 0.0].map(heat);
    assert_eq!(classes, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
}

#[test]
fn what_cannot_be_seen_in_a_token_is_shown_as_a_sign() {
    let check = |bytes: &[u8], expected: &str| assert_eq!(TokenBytes(bytes.to_vec()).shown(), expected);
    check(b" a\n\t", "␣a↵⇥");
    check(b"\xF0\x9F", "<F0><9F>");
    check("\u{202e}x\u{0}".as_bytes(), "<U+202E>x<U+0000>");
    check(b"<script>", "<script>");
    check(b"", "∅");
}
