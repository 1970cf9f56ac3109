use super::*;

fn likely(id: u32, bytes: &[u8], logprob: f32) -> Likely {
    Likely { id, bytes: bytes.to_vec(), logprob }
}

fn score(token: &Likely, top: &[&Likely]) -> TokenScore {
    TokenScore { token: token.clone(), top: top.iter().copied().cloned().collect() }
}

#[test]
fn a_character_cut_in_two_is_told_by_its_bytes_and_counted_once() {
    let (half, rest) = (likely(7, b"a\xf0\x9f", -1.0), likely(8, b"\x98\x80!", -2.0));
    let (mut logprobs, mut offset) = (TextLogprobs::default(), Offset::default());
    logprobs.push_first("é".as_bytes(), true, &mut offset);
    logprobs.push(&[score(&half, &[]), score(&rest, &[]), score(&likely(9, b".", -3.0), &[])], 0, &mut offset);
    assert_eq!(logprobs.tokens, ["é", "bytes:\\x61\\xf0\\x9f", "bytes:\\x98\\x80\\x21", "."]);
    // é a 😀 ! .
    assert_eq!(logprobs.text_offset, [0, 1, 2, 4]);
    assert_eq!(logprobs.token_logprobs, [None, Some(-1.0), Some(-2.0), Some(-3.0)]);
    let chat = serde_json::to_value(ChatLogprobs::of(&[score(&half, &[&half])])).unwrap();
    assert_eq!(chat["content"][0]["top_logprobs"][0]["bytes"], serde_json::json!([0x61, 0xf0, 0x9f]));
}

#[test]
fn the_token_that_stands_there_is_always_among_the_likeliest() {
    let (first, second, drawn) = (likely(1, b"x", -0.1), likely(2, b"y", -3.0), likely(3, b"z", f32::NEG_INFINITY));
    let score = score(&drawn, &[&first, &second]);
    assert_eq!(top(&score, 1), BTreeMap::from([("x".into(), -0.1), ("z".into(), -9999.0)]));
    let prompt = serde_json::to_value(prompt_logprobs(&[score], 1)).unwrap();
    assert!(prompt[0].is_null());
    assert_eq!(prompt[1]["1"]["rank"], 1);
    assert_eq!((&prompt[1]["3"]["rank"], prompt[1].get("2")), (&serde_json::Value::Null, None));
}

#[test]
fn of_two_tokens_that_write_the_same_the_likelier_is_told() {
    let (likelier, drawn) = (likely(1, b"x", -0.1), likely(2, b"x", -3.0));
    assert_eq!(top(&score(&drawn, &[&likelier]), 5), BTreeMap::from([("x".into(), -0.1)]));
}
