use proptest::prelude::*;

use super::*;
use crate::scripted::repeatable;

#[test]
fn what_may_begin_a_stop_string_is_held_back_until_it_is_decided() {
    let mut filter = StopFilter::new(vec!["\n\nUser".into()]);
    assert_eq!(filter.push("Hi\n"), ("Hi".into(), false));
    assert_eq!(filter.push("\nU"), (String::new(), false));
    assert_eq!(filter.push("nder\n"), ("\n\nUnder".into(), false));
    assert_eq!(filter.push("\nUser: no"), (String::new(), true));
}

proptest! {
    #![proptest_config(repeatable())]

    #[test]
    fn pieces_are_cut_as_plain_search_cuts_the_whole(
        pieces in prop::collection::vec("[abé]{0,4}", 0..12),
        stops in prop::collection::vec("[abé]{1,4}", 0..3),
    ) {
        let mut filter = StopFilter::new(stops.clone());
        let mut told = String::new();
        let is_stopped = pieces.iter().any(|piece| {
            let (text, is_stopped) = filter.push(piece);
            told += &text;
            is_stopped
        });
        if !is_stopped {
            told += &filter.finish();
        }
        prop_assert_eq!((told, is_stopped), plain_search(&pieces.concat(), &stops));
    }
}

/// Reads until the text read ends with a stop string; of several that do, takes the longest away.
fn plain_search(text: &str, stops: &[String]) -> (String, bool) {
    for (idx, char) in text.char_indices() {
        let read = &text[..idx + char.len_utf8()];
        if let Some(stop) = stops.iter().filter(|stop| read.ends_with(*stop)).max_by_key(|stop| stop.len()) {
            return (read[..read.len() - stop.len()].to_owned(), true);
        }
    }
    (text.to_owned(), false)
}
