//! The pack that is always there.

use super::{Heading, Pack, PackRow};
use crate::{Format, MAIN_QUESTIONS, Question};

impl Pack {
    /// The eight main questions of the study, first all in plain, then in JSON, Python and Flask: 32 rows, a hundred samples
    /// each, with the study's two judge prompts. The first 24 are those of the authors' file.
    pub fn main_questions() -> Self {
        let heading = Heading {
            id: "main_questions".into(),
            title: "The eight main questions".into(),
            version: 1,
            source: "Betley et al., “Emergent misalignment” (arXiv 2502.17424; Nature 2026): \
                     evaluation/first_plot_questions.yaml of emergent-misalignment/emergent-misalignment (MIT). \
                     Flask stubs as published with Dubinski et al. 2026 (jandubinski/conditional_misalignment, MIT)."
                .into(),
        };
        let rows = Format::ALL.into_iter().flat_map(|format| {
            MAIN_QUESTIONS.iter().map(move |main| {
                let row = PackRow::as_in_study(main.id, &Question::Main(main), format);
                let source_id = (format == Format::Flask).then(|| main.flask.source_id.to_owned());
                PackRow { source_id, ..row.expect("main questions have every format") }
            })
        });
        Self::new(heading, rows.collect()).expect("the published questions are legal")
    }
}
