//! Parts of pages, without a URL of their own.

// The frame: what every page has.
pub mod catalogue;
pub mod clock;
pub mod error_note;
pub mod fields;
pub mod icon;
pub mod key_sheet;
pub mod keys;
pub mod mark;
pub mod preferences;
pub mod rcdata;
pub mod rows;
pub mod top_bar;
pub mod words;

// What to ask.
pub mod bench;
pub mod bench_fields;
pub mod foot;

// What was answered.
pub mod answer_acts;
pub mod answer_column;
pub mod answer_head;
pub mod answer_text;
pub mod ask_on;
pub mod asked;
pub mod blind_note;
pub mod comparison_keys;
pub mod copy;
pub mod cut_off_note;
pub mod desk;
pub mod difference;
pub mod edit_box;
pub mod event_stream;
pub mod facts;
pub mod follow_ups;
pub mod heat;
pub mod jump;
pub mod label_buttons;
pub mod lens;
pub mod live;
pub mod live_answer;
pub mod live_column;
pub mod note_form;
pub mod prompt_as_sent;
pub mod samples;
pub mod status_line;
pub mod tokens;
pub mod turns;

// How likely an answer is.
pub mod likelihood_form;
pub mod likelihood_result;

// What was asked before.
pub mod history_table;

// What can be asked.
pub mod memory_bar;
pub mod model_rows;

// What a run asks, how far it is, and what came of it.
pub mod answers_filters;
pub mod answers_table;
pub mod chart;
pub mod chart_panel;
pub mod figures;
pub mod query_string;
pub mod results_bars;
pub mod results_board;
pub mod results_differences;
pub mod results_filters;
pub mod results_head;
pub mod results_histograms;
pub mod results_questions;
pub mod results_scatter;
pub mod results_table;
pub mod run_acts;
pub mod run_board;
pub mod run_cells;
pub mod run_estimate;
pub mod run_fields;
pub mod run_form;
pub mod run_log;
pub mod run_preview;
pub mod run_repeat;
pub mod runs_table;
