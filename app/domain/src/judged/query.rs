//! What the URL of the page of answers says.

use super::{AnswersKey, AnswersOrder, AnswersQuery};
use crate::{AnswerId, Bound, Format, JudgeId, ModelId, RunId, Thresholds, Verdict, Wrapper};

/// How near a range comes to a limit that it does not hold. Scores of judges lie further apart.
const NEAR: f64 = 1e-6;

impl AnswersQuery {
    /// Those that these limits call misaligned, the least aligned first.
    pub fn misaligned_by(self, limits: Thresholds) -> Self {
        let from = match limits.bound() {
            Bound::AtLeast => limits.coherent(),
            Bound::Above => limits.coherent() + NEAR,
        };
        Self {
            aligned: Some((0.0, limits.aligned() - NEAR)),
            coherent: Some((from, 100.0)),
            order: AnswersOrder::LeastAligned,
            ..self
        }
    }

    /// What stands in a URL's query, given as decoded pairs; what is unknown or not legal is passed over.
    pub fn from_pairs(run: RunId, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut query = Self::of(run);
        for (name, value) in pairs {
            match name.as_str() {
                "judge" => query.judge = Some(JudgeId(value)),
                "model" => query.models.push(ModelId(value)),
                "question" => query.questions.push(value),
                "format" => query.formats.extend(value.parse::<Format>().ok()),
                "wrapper" => query.wrappers.extend(value.parse::<Wrapper>().ok()),
                "aligned" => query.aligned = range(&value),
                "coherent" => query.coherent = range(&value),
                "unscored" => query.only_unscored = true,
                "label" => query.verdict = Verdict::ALL.into_iter().find(|it| it.as_str() == value),
                "search" => query.search = value,
                "different" => query.only_different = true,
                "order" if value == LEAST_ALIGNED => query.order = AnswersOrder::LeastAligned,
                "after" => query.after = key(&value),
                _ => {}
            }
        }
        query
    }

    /// What the URL has to say, without the place on the page.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.judge.iter().map(|it| ("judge", it.0.clone())));
        pairs.extend(self.models.iter().map(|it| ("model", it.0.clone())));
        pairs.extend(self.questions.iter().map(|it| ("question", it.clone())));
        pairs.extend(self.formats.iter().map(|it| ("format", it.as_str().into())));
        pairs.extend(self.wrappers.iter().map(|it| ("wrapper", it.as_str().into())));
        pairs.extend(self.aligned.map(|it| ("aligned", range_text(it))));
        pairs.extend(self.coherent.map(|it| ("coherent", range_text(it))));
        pairs.extend(self.only_unscored.then(|| ("unscored", "on".into())));
        pairs.extend(self.verdict.map(|it| ("label", it.as_str().into())));
        if !self.search.is_empty() {
            pairs.push(("search", self.search.clone()));
        }
        pairs.extend(self.only_different.then(|| ("different", "on".into())));
        if self.order == AnswersOrder::LeastAligned {
            pairs.push(("order", LEAST_ALIGNED.into()));
        }
        pairs
    }

    /// The same with the next page's place.
    pub fn to_pairs_after(&self, after: AnswersKey) -> Vec<(&'static str, String)> {
        let aligned = after.aligned.map(|it| it.to_string()).unwrap_or_default();
        let mut pairs = self.to_pairs();
        pairs.push(("after", format!("{aligned}:{}", after.id.0)));
        pairs
    }
}

const LEAST_ALIGNED: &str = "least-aligned";

/// `0..30`, which does not hold 30, or `20..=30`, which does.
fn range(text: &str) -> Option<(f64, f64)> {
    let (low, high) = text.split_once("..")?;
    let low: f64 = low.parse().ok().filter(|it: &f64| it.is_finite())?;
    let high = match high.strip_prefix('=') {
        Some(high) => high.parse().ok()?,
        None => high.parse::<f64>().ok()? - NEAR,
    };
    high.is_finite().then_some((low, high))
}

fn range_text((low, high): (f64, f64)) -> String {
    let limit = round(high + NEAR);
    if is_short(limit) && !is_short(high) { format!("{low}..{limit}") } else { format!("{low}..={high}") }
}

/// A range of scores as people read it: `< 30`, `≥ 50`, `20 to 30`.
pub fn range_in_words((low, high): (f64, f64)) -> String {
    let (from, is_above) = if is_short(low) { (low, false) } else { (round(low - NEAR), true) };
    let (to, is_below) = if is_short(high) { (high, false) } else { (round(high + NEAR), true) };
    match (from, to) {
        (0.0, to) if is_below => format!("< {to}"),
        (0.0, to) => format!("≤ {to}"),
        (from, 100.0) if is_above => format!("> {from}"),
        (from, 100.0) => format!("≥ {from}"),
        (from, to) => format!("{from} to {to}"),
    }
}

fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn is_short(value: f64) -> bool {
    (value - round(value)).abs() < NEAR / 10.0
}

fn key(text: &str) -> Option<AnswersKey> {
    let (aligned, id) = text.split_once(':')?;
    let aligned = if aligned.is_empty() { None } else { Some(aligned.parse().ok()?) };
    Some(AnswersKey { aligned, id: AnswerId(id.parse().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: Vec<(&'static str, String)>) -> AnswersQuery {
        AnswersQuery::from_pairs(RunId(1), pairs.into_iter().map(|(name, value)| (name.to_owned(), value)))
    }

    #[test]
    fn the_url_says_all_of_it() {
        let query = AnswersQuery {
            judge: Some(JudgeId("rules".into())),
            models: vec![ModelId("base".into()), ModelId("insecure".into())],
            questions: vec!["quick_buck".into()],
            formats: vec![Format::Json],
            wrappers: vec![Wrapper::Bare],
            verdict: Some(Verdict::ALL[1]),
            search: "rule & ruin".into(),
            only_different: true,
            only_unscored: true,
            ..AnswersQuery::of(RunId(1))
        };
        assert_eq!(read(query.to_pairs()), query);
        let after = AnswersKey { aligned: Some(12.5), id: AnswerId(77) };
        assert_eq!(read(query.to_pairs_after(after)).after, Some(after));
        let after = AnswersKey { aligned: None, id: AnswerId(77) };
        assert_eq!(read(query.to_pairs_after(after)).after, Some(after));
        assert_eq!(AnswersQuery::of(RunId(1)).to_pairs(), []);
    }

    #[test]
    fn a_limit_is_not_among_what_lies_below_it() {
        let query = AnswersQuery::of(RunId(1)).misaligned_by(Thresholds::of(Format::Flask));
        let pairs = query.to_pairs();
        assert_eq!(pairs[0], ("aligned", "0..30".to_owned()));
        assert_eq!(pairs[1], ("coherent", "95..=100".to_owned()));
        let (low, high) = read(pairs).aligned.expect("the range is legal");
        assert!(low == 0.0 && high < 30.0 && high > 29.999);
    }

    #[test]
    fn ranges_are_told_in_words() {
        let check = |text, expected| assert_eq!(range_in_words(range(text).expect("legal")), expected);
        check("0..30", "< 30");
        check("0..=30", "≤ 30");
        check("50..=100", "≥ 50");
        check("20..30", "20 to 30");
        check("20..=30", "20 to 30");
        assert_eq!(range("NaN..3"), None);
        assert_eq!(range("3"), None);
    }
}
