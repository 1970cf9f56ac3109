//! The words of the trade, shared by browser and server: questions and formats, what was asked and answered, labels,
//! outcomes.
//!
//! Data and the rules on them, and the statistics of both. Knows nothing of the network, the database or the page.

mod ask;
mod check;
mod comparison;
mod conversation;
mod difference;
mod draws;
mod fold;
mod follow;
mod form;
mod format;
mod given;
mod history;
mod judge;
mod judged;
mod label;
mod likelihood;
mod live;
mod model;
mod outcome;
mod pack;
mod probe;
mod progress;
mod prompt;
mod question;
mod registry;
mod results;
mod run;
mod sampling;
mod score;
mod slug;
mod time;
mod wrapper;

pub mod agreement;
pub mod statistics;

#[cfg(test)]
mod golden;

pub use ask::{AskError, AskForm, Field, NewComparison};
pub use check::{FormatCheck, Kept};
pub use comparison::{
    Answer, AnswerId, AnswerState, Blindness, Column, ColumnModel, Comparison, ComparisonId, Facts, Finish,
    RenderedPrompt, Wait, slot_letter,
};
pub use conversation::{Edited, Family, FollowUp, Origin, Said, Speaker, TURNS_MAX, Turn, Utterance};
pub use difference::{Change, Difference};
pub use fold::Folds;
pub use follow::{Choice, EditForm, FollowForm, NewEdit, NewFollowUp};
pub use format::{Format, FormatError, Prompt};
pub use given::{Beginning, GivenError, SystemPrompt};
pub use history::{HistoryPage, HistoryQuery, HistoryRow, PAGE_ROWS};
pub use judge::{JudgeKind, JudgePrompt, PublishedJudge};
pub use judged::{
    ANSWERS_ROWS, AnswerRow, AnswersKey, AnswersOrder, AnswersPage, AnswersQuery, JudgeCard, JudgeId, Judgement,
    RunScores, ScoredAnswer, range_in_words,
};
pub use label::{Act, KeptAct, Labels, Lock, NOTE_CHARS_MAX, Verdict};
pub use likelihood::{
    Given, GivenAnswer, LEAN_FACTORS, Likelihood, LikelihoodFigures, LikelihoodForm, NewLikelihood, lean,
};
pub use live::{LiveEvent, Misfit, Piece};
pub use model::{Hosted, ModelCard, ModelId, ModelState, Role};
pub use outcome::{Bound, Counts, Outcome, ThresholdError, Thresholds};
pub use pack::{CellKey, Heading, Pack, PackError, PackId, PackQuestion, PackRow, RowError};
pub use probe::{Continuation, MultipleChoice, PivotalToken, Probe, ProbeError, ProbeSet};
pub use progress::Progress;
pub use prompt::PromptPart;
pub use question::{MAIN_QUESTIONS, MainQuestion, OwnQuestion, Question, QuestionError};
pub use registry::{DeviceMemory, MadeOf, Memory, Offer, Registered, Registry, Weights, size};
pub use results::{
    Form, IntervalChoice, Place, QuestionRows, ResultDifference, ResultRow, Results, ResultsQuery, Rule, ShownInterval,
    places,
};
pub use run::{
    CellCounts, Estimate, Happened, JudgeProgress, More, NewRun, Run, RunAct, RunCell, RunEvent, RunForm, RunId,
    RunModel, RunProgress, RunRow, RunState,
};
pub use sampling::{Sampling, Seed};
pub use score::{HEAT_BOUNDS, Likely, ScoreSummary, Scores, Stretch, TokenBytes, TokenScore, heat};
pub use time::Timestamp;
pub use wrapper::{Wrapper, WrapperError};
