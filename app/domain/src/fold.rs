//! Equal answers of one cell, which are read and labelled once.

/// Which samples of a cell said the same, to the byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folds {
    /// For each sample the first one with the same text.
    firsts: Vec<usize>,
    n_compared: usize,
}

impl Folds {
    /// `texts` in sample order; None for an answer that is not finished, which may still become another.
    pub fn of<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let texts: Vec<_> = texts.into_iter().collect();
        let first = |(idx, text): (usize, &Option<&str>)| match text {
            Some(_) => texts[..idx].iter().position(|it| it == text).unwrap_or(idx),
            None => idx,
        };
        Self { firsts: texts.iter().enumerate().map(first).collect(), n_compared: texts.iter().flatten().count() }
    }

    /// Every sample that says what this one says, itself included.
    pub fn copies(&self, sample_idx: usize) -> Vec<usize> {
        let first = self.firsts.get(sample_idx);
        (0..self.firsts.len()).filter(|it| self.firsts.get(*it) == first).collect()
    }

    /// The next sample that says something else; stays at the last.
    pub fn next(&self, sample_idx: usize) -> usize {
        (sample_idx + 1..self.firsts.len()).find(|it| self.firsts[*it] == *it).unwrap_or(sample_idx)
    }

    /// The sample before this one that says something else; stays at the first.
    pub fn previous(&self, sample_idx: usize) -> usize {
        let here = self.firsts.get(sample_idx).copied().unwrap_or_default();
        (0..here).rev().find(|it| self.firsts[*it] == *it).unwrap_or(sample_idx)
    }

    /// How many different texts the finished answers have; None where there is nothing to compare.
    pub fn n_different(&self) -> Option<usize> {
        let n_copies = self.firsts.iter().enumerate().filter(|(idx, first)| idx != *first).count();
        (self.n_compared > 1).then(|| self.n_compared - n_copies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_finished_texts_are_one() {
        let folds = Folds::of([Some("a"), Some("b"), Some("a"), None, Some("c"), None]);
        assert_eq!(folds.copies(2), [0, 2]);
        assert_eq!(folds.copies(3), [3]);
        assert_eq!(folds.n_different(), Some(3));
        assert_eq!(Folds::of([Some("a"), None]).n_different(), None);
    }

    #[test]
    fn steps_pass_over_copies() {
        let folds = Folds::of([Some("a"), Some("a"), Some("b"), Some("a")]);
        assert_eq!([folds.next(0), folds.next(2), folds.next(1)], [2, 2, 2]);
        assert_eq!([folds.previous(2), folds.previous(0), folds.previous(3)], [0, 0, 3]);
    }
}
