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
