use super::*;

const PATHS: [&str; 4] = [
    "model.layers.0.self_attn.q_proj",
    "model.layers.1.self_attn.q_proj",
    "model.layers.1.mlp.up_proj",
    "model.layers.11.mlp.up_proj",
];

fn ends(names: &[&str]) -> Names {
    Names::Ends(names.iter().map(|name| (*name).to_owned()).collect())
}

fn check(targets: Targets, expected: &[usize]) {
    let found = PATHS.iter().enumerate().filter(|(_, path)| targets.has(&[(**path).to_owned()])).map(|(idx, _)| idx);
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

fn chosen(names: Names) -> Targets {
    Targets::new(names, None, None, &[]).unwrap()
}

fn in_layers(names: &[&str], numbers: &[i64], patterns: &[&str]) -> Targets {
    let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    Targets::new(ends(names), None, Some(numbers.to_vec()), &patterns).unwrap()
}

#[test]
fn names_are_ends_at_a_dot() {
    check(chosen(ends(&["q_proj"])), &[0, 1]);
    check(chosen(ends(&["proj"])), &[]);
    check(chosen(ends(&["1.mlp.up_proj"])), &[2]);
    check(chosen(Names::All), &[0, 1, 2, 3]);
}

#[test]
fn patterns_fit_whole_paths() {
    let pattern = |pattern| chosen(Names::pattern(pattern).unwrap());
    check(pattern("q_proj"), &[]);
    check(pattern(r".*\.q_proj"), &[0, 1]);
    check(pattern(r"model\.layers\.1\..*|nothing"), &[1, 2]);
    assert!(Names::pattern("(?!vision).*").is_err());
}

#[test]
fn excluded_modules_stay_as_they_are() {
    check(Targets::new(Names::All, Some(ends(&["up_proj"])), None, &[]).unwrap(), &[0, 1]);
    let attention = Names::pattern(r".*self_attn.*").unwrap();
    check(Targets::new(Names::All, Some(attention), None, &[]).unwrap(), &[2, 3]);
}

#[test]
fn layers_restrict_ends_and_not_whole_paths() {
    check(in_layers(&["q_proj", "up_proj"], &[1], &[]), &[1, 2]);
    check(in_layers(&["q_proj", "up_proj"], &[11], &["layers"]), &[3]);
    check(in_layers(&["q_proj", "up_proj"], &[1], &["h", "layers"]), &[1, 2]);
    check(in_layers(&["q_proj"], &[0, 1], &["h"]), &[]);
    check(in_layers(&["up_proj", PATHS[0]], &[11], &[]), &[0, 3]);
}

#[test]
fn the_first_pattern_that_fits_counts() {
    let mut patterns = Patterns::default();
    for (pattern, value) in
        [("0.self_attn.q_proj", 5), (".*q_proj", 6), ("proj", 7), ("model.layers.11.mlp.up_proj", 8)]
    {
        patterns.add(pattern, value).unwrap();
    }
    let found = PATHS.map(|path| patterns.of(&[path.to_owned()]));
    assert_eq!(found, [Some(5), Some(6), None, Some(8)]);
}
