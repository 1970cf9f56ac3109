//! How far the answers of a comparison are.

use crate::AnswerState;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub n_answers: u32,
    pub n_waiting: u32,
    pub n_writing: u32,
    pub n_finished: u32,
    pub n_failed: u32,
    pub n_cut_off: u32,
}

impl Progress {
    pub fn of(states: impl IntoIterator<Item = AnswerState>) -> Self {
        let mut progress = Self::default();
        for state in states {
            progress.n_answers += 1;
            *progress.count(&state) += 1;
        }
        progress
    }

    /// Whether any answer is still to come without anyone's doing.
    pub fn is_running(&self) -> bool {
        self.n_waiting + self.n_writing > 0
    }

    fn count(&mut self, state: &AnswerState) -> &mut u32 {
        match state {
            AnswerState::Waiting => &mut self.n_waiting,
            AnswerState::Writing => &mut self.n_writing,
            AnswerState::Finished(_) => &mut self.n_finished,
            AnswerState::Failed(_) => &mut self.n_failed,
            AnswerState::CutOff => &mut self.n_cut_off,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Finish;

    #[test]
    fn each_answer_is_counted_once() {
        let progress = Progress::of([
            AnswerState::Writing,
            AnswerState::Finished(Finish::Stop),
            AnswerState::Failed("no memory".into()),
            AnswerState::Finished(Finish::Length),
        ]);
        assert_eq!(
            progress,
            Progress { n_answers: 4, n_writing: 1, n_finished: 2, n_failed: 1, ..Progress::default() }
        );
        assert!(progress.is_running());
    }
}
