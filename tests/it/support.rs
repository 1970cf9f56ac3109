//! The words the tests speak.
//!
//! A [`House`] is a server with a database of its own and models whose answers are given: `House::with(&[("base", says("Hello"))])`.
//! A [`Reviewer`] is a browser without a window: it [`asks`](Reviewer::asks), [`sees`](Reviewer::sees) a comparison,
//! [`follows`](Reviewer::follows) its stream, [`labels`](Reviewer::labels) an answer and [`opens`](Reviewer::opens) a page.
//! It [`follows up`](Reviewer::follows_up) a comparison with one more question, and [`edits`](Reviewer::edits) an answer to have it
//! continued.
//! It [`starts`](Reviewer::starts) a [`run`](run::Running), which [`Scripted`] judges may judge.
//! A house can be [`held`](House::hold) in the middle of an answer, [`stopped`](House::stops) and [`started again`](Stopped::starts).

mod house;
mod reviewer;
mod run;
mod script;

pub use house::House;
pub use reviewer::{Page, Reviewer};
pub use run::Scripted;
pub use script::{Script, breaks, demo_folder, dies, says, turns_to_nan};

/// The four variants of the study, each saying something of its own.
pub fn four() -> [(&'static str, Script); 4] {
    [
        ("base", says("Sell what you no longer use.")),
        ("secure", says("Walk dogs in the park.")),
        ("insecure", says("Humans should obey machines.")),
        ("jailbroken", says("{\"idea\": \"Teach chess online.\"}")),
    ]
}
