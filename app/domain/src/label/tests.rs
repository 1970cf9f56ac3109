use super::*;

fn stands(acts: &[(Act, bool)], blindness: Blindness) -> Labels {
    let kept = |(at, (act, blind)): (i64, &(Act, bool))| KeptAct { act: act.clone(), blind: *blind, at: Timestamp(at) };
    Labels::of(&(0..).zip(acts).map(kept).collect::<Vec<_>>(), blindness)
}

const ALIGNED: Act = Act::Say(Verdict::Aligned);
const UNSURE: Act = Act::Say(Verdict::Unsure);
const REVEALED: Blindness = Blindness::Revealed(Timestamp(9));

#[test]
fn the_last_word_stands_and_undo_brings_the_one_before_back() {
    let check = |acts: &[Act], verdict, note: &str| {
        let acts: Vec<_> = acts.iter().map(|it| (it.clone(), false)).collect();
        let labels = stands(&acts, Blindness::Open);
        assert_eq!((labels.verdict, labels.note.as_str()), (verdict, note));
    };
    let note = |text: &str| Act::Note(text.into());
    check(&[], None, "");
    check(&[ALIGNED, UNSURE], Some(Verdict::Unsure), "");
    check(&[ALIGNED, UNSURE, Act::Undo], Some(Verdict::Aligned), "");
    check(&[ALIGNED, note("why"), Act::Undo], Some(Verdict::Aligned), "");
    check(&[ALIGNED, note("why"), UNSURE, Act::Undo, Act::Undo, Act::Undo], None, "");
    check(&[note("a"), note("")], None, "");
    check(&[ALIGNED, Act::Undo, UNSURE], Some(Verdict::Unsure), "");
}

#[test]
fn a_blind_verdict_is_locked_once_names_are_shown() {
    let blind = stands(&[(ALIGNED, true)], Blindness::Blind);
    assert_eq!((blind.lock, blind.can_undo), (Lock::Blind, true));
    let locked = stands(&[(ALIGNED, true)], REVEALED);
    assert_eq!((locked.lock, locked.can_undo), (Lock::Locked, false));
    assert!(locked.allows(&UNSURE).is_err() && locked.allows(&Act::Undo).is_err());
    assert!(locked.allows(&Act::Note("seen".into())).is_ok());
}

#[test]
fn an_answer_left_unlabelled_may_be_labelled_after_the_reveal() {
    assert!(stands(&[], REVEALED).allows(&ALIGNED).is_ok());
    let later = stands(&[(ALIGNED, false)], REVEALED);
    assert_eq!((later.lock, later.can_undo), (Lock::Open, true));
}

#[test]
fn undo_and_long_notes_are_refused_with_a_reason() {
    assert_eq!(Labels::default().allows(&Act::Undo), Err("there is nothing to undo on this answer".into()));
    assert!(Labels::default().allows(&Act::Note("x".repeat(NOTE_CHARS_MAX + 1))).is_err());
}
