//! Who waits for a slot: one line for each priority.

use std::collections::VecDeque;

use crate::Priority;
use crate::scheduler::SequenceId;
use crate::sequence::Sequence;

#[derive(Debug, Default)]
pub struct Queue {
    interactive: VecDeque<Sequence>,
    bulk: VecDeque<Sequence>,
}

impl Queue {
    pub fn push(&mut self, sequence: Sequence) {
        self.line(sequence.request.priority).push_back(sequence);
    }

    /// Who is next, of those whose priority may run.
    pub fn next(&self, may_run: impl Fn(Priority) -> bool) -> Option<&Sequence> {
        let heads = [self.interactive.front(), self.bulk.front()];
        heads.into_iter().flatten().find(|sequence| may_run(sequence.request.priority))
    }

    pub fn pop(&mut self, priority: Priority) -> Option<Sequence> {
        self.line(priority).pop_front()
    }

    pub fn remove(&mut self, id: SequenceId) {
        self.interactive.retain(|sequence| sequence.id != id);
        self.bulk.retain(|sequence| sequence.id != id);
    }

    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Sequence> {
        self.interactive.iter().chain(&self.bulk)
    }

    fn line(&mut self, priority: Priority) -> &mut VecDeque<Sequence> {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Bulk => &mut self.bulk,
        }
    }
}
