use serde_json::json;

use super::*;
use crate::scripted::demo_language;

#[test]
fn special_tokens_in_a_text_are_those_tokens_and_none_are_added() {
    let language = demo_language();
    let tokenizer = language.tokenizer();
    let tokens = tokenizer.encode("<|im_start|>user\nHi<|im_end|><|im_start|>").unwrap();
    assert_eq!((tokens[0], tokens.last()), (1, Some(&1)));
    assert_eq!(tokenizer.specials(&tokens), ["<|im_start|>", "<|im_end|>"]);
    assert_eq!(tokenizer.decode(&tokens).unwrap(), "user\nHi");
}

/// A tokenizer of the letter `a` with these settings.
fn tiny(settings: &serde_json::Value) -> Result<Tokenizer, TokenizerError> {
    let mut file = json!({
        "version": "1.0",
        "added_tokens": [],
        "model": { "type": "BPE", "vocab": { "a": 0, "b": 1, "aa": 2 }, "merges": [["a", "a"]] },
    });
    for (key, value) in settings.as_object().unwrap() {
        file[key] = value.clone();
    }
    Tokenizer::parse(file.to_string().as_bytes())
}

#[test]
fn what_every_text_begins_with_is_known_and_what_would_end_it_is_left_out() {
    assert_eq!(demo_language().tokenizer().beginning(), "");
    let special = |id: u32| json!({ "id": id.to_string(), "ids": [id], "tokens": [if id == 1 { "b" } else { "aa" }] });
    let piece = |id: &str| json!({ "SpecialToken": { "id": id, "type_id": 0 } });
    let processor = json!({
        "type": "TemplateProcessing",
        "single": [piece("1"), { "Sequence": { "id": "A", "type_id": 0 } }, piece("2")],
        "pair": [],
        "special_tokens": { "1": special(1), "2": special(2) },
    });
    assert_eq!(tiny(&json!({ "post_processor": processor })).unwrap().beginning(), "b");
}

#[test]
fn padding_and_truncation_of_a_training_script_are_left_out() {
    let settings = json!({
        "truncation": { "direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 0 },
        "padding": { "strategy": { "Fixed": 8 }, "direction": "Right", "pad_id": 1, "pad_type_id": 0, "pad_token": "b" },
    });
    assert_eq!(tiny(&settings).unwrap().encode("aab").unwrap(), [2, 1]);
}

#[test]
fn a_pattern_that_backtracks_for_ever_does_not() {
    let split =
        json!({ "type": "Split", "pattern": { "Regex": "(a+)+(?=b)(?!b)" }, "behavior": "Isolated", "invert": false });
    let tokenizer = tiny(&json!({ "pre_tokenizer": split })).unwrap();
    let begun = std::time::Instant::now();
    let _ = tokenizer.encode(&"a".repeat(5000));
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "it took {:?}", begun.elapsed());
}

/// Tokens inside of each other, twice under one number and twice under one text, in a text that is rewritten first.
#[test]
fn added_tokens_that_lead_in_circles_do_not() {
    let token = |id: u32, content: &str| {
        let flags =
            json!({ "single_word": false, "lstrip": true, "rstrip": true, "normalized": true, "special": false });
        let mut token = json!({ "id": id, "content": content });
        token.as_object_mut().unwrap().extend(flags.as_object().unwrap().clone());
        token
    };
    let tokens = json!([token(3, "ab"), token(3, "aab"), token(4, "ab"), token(5, "a ab aab")]);
    let doubles = json!({ "type": "Replace", "pattern": { "String": "a" }, "content": "aa" });
    if let Ok(tokenizer) = tiny(&json!({ "added_tokens": tokens, "normalizer": doubles })) {
        let tokens = tokenizer.encode(&"a ab aab".repeat(1_000)).unwrap();
        assert!(tokens.len() < 100_000, "{} tokens", tokens.len());
    }
}

#[test]
fn malformed_tokenizers_are_errors() {
    let merge = |first, second, prefix| {
        let vocab = json!({ "a": 0, "b": 1 });
        let merges = json!([[first, second]]);
        json!({ "model": { "type": "BPE", "vocab": vocab, "merges": merges, "continuing_subword_prefix": prefix } })
    };
    for settings in [
        merge("a", "c", ""),
        merge("a", "b", "a longer prefix than the token"), // Panics inside the library.
        json!({ "added_tokens": [{ "id": 7 }] }),
        json!({ "model": { "type": "Oracle" } }),
        json!({ "pre_tokenizer": { "type": "Split", "pattern": { "Regex": "(" }, "behavior": "Isolated", "invert": false } }),
    ] {
        let err = tiny(&settings).unwrap_err();
        assert!(err.to_string().starts_with("cannot read the tokenizer: "), "{err}");
    }
}

#[test]
fn the_bytes_of_tokens_make_the_text_that_was_encoded() {
    let language = demo_language();
    let tokenizer = language.tokenizer();
    let text = "naïve 🦀\r\n\0\u{FFFD}<|im_end|> and some words";
    let tokens = tokenizer.encode(text).unwrap();
    let bytes: Vec<u8> = tokens.iter().flat_map(|&token| tokenizer.bytes(token)).collect();
    assert_eq!(String::from_utf8(bytes).unwrap(), text);
    assert_eq!(tokenizer.bytes(999_999), b"");
}

#[test]
fn pieces_and_byte_tokens_write_spaces_and_bytes() {
    let decoder = json!({ "type": "Sequence", "decoders": [
        { "type": "Replace", "pattern": { "String": "▁" }, "content": " " }, { "type": "ByteFallback" },
    ] });
    let model = json!({ "type": "BPE", "vocab": { "▁a": 0, "<0xF0>": 1, "<0xG0>": 2 }, "merges": [] });
    let tokenizer = tiny(&json!({ "decoder": decoder, "model": model })).unwrap();
    assert_eq!([0, 1, 2].map(|token| tokenizer.bytes(token)), [b" a".to_vec(), vec![0xF0], b"<0xG0>".to_vec()]);
    assert_eq!(tiny(&json!({})).unwrap().bytes(2), b"aa");
}
