use super::*;
use crate::scripted::{demo_language, scored};
use crate::{Language, NTop};

/// The texts of the scores that come with each token of a text, then what an end brings.
fn scores_by_token(text: &str, stop: &[&str], language: &Language) -> Vec<Vec<u32>> {
    let mut transcript = Transcript::new(stop.iter().map(|stop| stop.to_string()).collect());
    let tokens = language.tokenizer().encode(text).unwrap();
    let mut ids = Vec::new();
    for token in tokens {
        let settled = transcript.take(token, Some(scored(token, NTop(0))), None, language.tokenizer()).unwrap();
        ids.push(settled.scores.iter().map(|score| score.token.id).collect());
        if settled.end.is_some() {
            return ids;
        }
    }
    let rest = transcript.finish(FinishReason::Stop, language.tokenizer()).unwrap();
    ids.push(rest.scores.iter().map(|score| score.token.id).collect());
    ids
}

#[test]
fn scores_come_with_the_text_that_their_tokens_end() {
    let language = demo_language();
    let ids = |text: &str| language.tokenizer().encode(text).unwrap();
    let crab = ids("🦀");
    assert!(crab.len() > 1, "a character of several tokens");
    let by_token = scores_by_token("a🦀", &[], &language);
    assert_eq!(by_token[0], ids("a"));
    assert_eq!(by_token[by_token.len() - 2], crab);
    assert!(by_token[1..by_token.len() - 2].iter().all(Vec::is_empty));

    // Held back while it may begin a stop string, then let go or cut.
    assert_eq!(scores_by_token("a b", &["a c"], &language), [vec![], [ids("a"), ids(" b")].concat(), vec![]]);
    assert_eq!(scores_by_token("a b", &["b!"], &language), [ids("a"), vec![], ids(" b")]);
    assert_eq!(scores_by_token("a b c", &[" b c"], &language), [ids("a"), vec![], vec![]]);
}
