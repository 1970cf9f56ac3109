use super::*;

#[test]
fn work_that_panics_is_a_sentence() {
    let expected = Err("no such merge".to_owned());
    assert_eq!(caught::<()>(|| panic!("no such merge")), expected);
    assert_eq!(on_deep_stack::<()>(|| panic!("no such {}", "merge")), expected);
    assert_eq!(within::<()>(Duration::MAX, || panic!("no such merge")), expected);
}

#[test]
fn work_that_takes_too_long_is_left_to_itself() {
    let (_never, gate) = mpsc::channel::<()>();
    let result = within(Duration::from_millis(1), move || gate.recv().is_ok());
    assert_eq!(result, Err("it took longer than 1ms".into()));
}
