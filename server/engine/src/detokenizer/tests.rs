use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::scripted::{demo_language, repeatable};

/// A tokenizer as Llama 2 had it: `▁` for spaces, the first of which is dropped, and byte tokens for rare characters.
fn byte_fallback() -> Tokenizer {
    let letters = "▁abcdefghijklmnopqrstuvwxyz\n.:".chars().map(String::from);
    let names = ["<unk>", "<s>", "</s>"].map(String::from).into_iter();
    let names = names.chain((0..=255).map(|byte| format!("<0x{byte:02X}>"))).chain(letters);
    let vocab: Map<_, _> = names.zip((0..).map(serde_json::Value::from)).collect();
    let special = |id, content| {
        json!({ "id": id, "content": content, "special": true, "normalized": false,
            "single_word": false, "lstrip": false, "rstrip": false })
    };
    let file = json!({
        "version": "1.0",
        "added_tokens": [special(0, "<unk>"), special(1, "<s>"), special(2, "</s>")],
        "normalizer": { "type": "Sequence", "normalizers": [
            { "type": "Prepend", "prepend": "▁" },
            { "type": "Replace", "pattern": { "String": " " }, "content": "▁" },
        ] },
        "decoder": { "type": "Sequence", "decoders": [
            { "type": "Replace", "pattern": { "String": "▁" }, "content": " " },
            { "type": "ByteFallback" },
            { "type": "Fuse" },
            { "type": "Strip", "content": " ", "start": 1, "stop": 0 },
        ] },
        "model": { "type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "fuse_unk": true,
            "vocab": vocab, "merges": [] },
    });
    Tokenizer::parse(file.to_string().as_bytes()).unwrap()
}

/// The pieces that these tokens give, and the rest at the end.
fn pieces(tokens: &[u32], tokenizer: &Tokenizer) -> (Vec<String>, String) {
    let mut detokenizer = Detokenizer::default();
    let pieces = tokens.iter().map(|&token| detokenizer.push(token, tokenizer).unwrap()).collect();
    (pieces, detokenizer.finish(tokenizer).unwrap())
}

#[test]
fn a_character_is_told_when_it_is_whole() {
    let language = demo_language();
    let tokens = language.tokenizer().encode("é🦀!").unwrap();
    let (mut pieces, rest) = pieces(&tokens, language.tokenizer());
    pieces.retain(|piece| !piece.is_empty());
    assert_eq!((pieces.concat(), rest), ("é🦀!".into(), String::new()));
    assert!(pieces.iter().all(|piece| !piece.contains('\u{FFFD}')));
}

#[test]
fn spaces_between_words_stay_where_the_first_is_dropped() {
    let tokenizer = byte_fallback();
    let tokens = tokenizer.encode("ab  c").unwrap();
    let (pieces, _) = pieces(&tokens, &tokenizer);
    assert_eq!(pieces, ["", "a", "b", " ", " ", "c"]);
}

#[test]
fn special_and_unknown_tokens_have_no_text() {
    let language = demo_language();
    let (pieces, rest) = pieces(&[1, 67, 2, 999_999, 68], language.tokenizer());
    assert_eq!((pieces.concat(), rest), ("ab".into(), String::new()));
}

const NASTY: &[&str] = &[
    "👩‍👩‍👧",
    "🇩🇪",
    "e\u{301}",
    "\r\n",
    "\0",
    "\u{2028}",
    "\u{FFFD}",
    " ",
    "  ",
    "data: x\n\n",
    "<|im_end|>",
    "▁",
    "</s>",
];

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![any::<String>(), "[a-z .]{0,12}", prop::sample::select(NASTY).prop_map(String::from),];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

#[test]
fn pieces_of_any_text_make_the_text_that_decoding_all_makes() {
    let language = demo_language();
    let byte_fallback = byte_fallback();
    let check = |text: &str, tokenizer: &Tokenizer| {
        let tokens = tokenizer.encode(text).unwrap();
        let (pieces, rest) = pieces(&tokens, tokenizer);
        prop_assert_eq!(pieces.concat() + &rest, tokenizer.decode(&tokens).unwrap());
        Ok(())
    };
    proptest!(repeatable(), |(text in text())| {
        check(&text, language.tokenizer())?;
        check(&text, &byte_fallback)?;
    });
}

#[test]
fn pieces_of_any_tokens_make_the_text_that_decoding_all_makes() {
    let language = demo_language();
    let byte_fallback = byte_fallback();
    let check = |tokens: &[u32], tokenizer: &Tokenizer| {
        let (pieces, rest) = pieces(tokens, tokenizer);
        prop_assert_eq!(pieces.concat() + &rest, tokenizer.decode(tokens).unwrap());
        Ok(())
    };
    let any_of_demo = prop::collection::vec(0..2100_u32, 0..60);
    let any_of_bytes = prop::collection::vec(prop_oneof![0..300_u32, 195..250_u32], 0..60);
    proptest!(repeatable(), |(demo in any_of_demo, bytes in any_of_bytes)| {
        check(&demo, language.tokenizer())?;
        check(&bytes, &byte_fallback)?;
    });
}
