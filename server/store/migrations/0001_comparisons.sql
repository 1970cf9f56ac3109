-- What was asked, of which models, what they answered and what people said of it.
-- Times are milliseconds since 1970 in UTC. Words of closed sets (format, state, verdict, …) are those of the crate `domain`.

-- One question in one format, asked of several models.
create table comparisons (
    id integer primary key autoincrement,
    -- The study's id of a main question; null for a question of one's own.
    question_id text,
    question text not null,
    format text not null,
    temperature real not null,
    top_p real not null,
    max_tokens integer not null,
    n_samples integer not null,
    seed integer not null,
    -- 1 when names were hidden at the start; revealed_at then says since when they are shown.
    blind integer not null,
    revealed_at integer,
    created_at integer not null,
    check (blind or revealed_at is null)
) strict;

-- One model's part of a comparison, in the order shown: drawn at random for blind ones, so neither position nor any id
-- that follows it tells which model it is.
create table comparison_columns (
    id integer primary key autoincrement,
    comparison_id integer not null references comparisons (id),
    position integer not null,
    model_id text not null,
    model_name text not null,
    model_role text not null,
    model_about text not null,
    -- What the answers of this column were made with: written before the first of them begins, never changed after.
    -- A column whose model could not be asked has none.
    model_hash text,
    device text,
    precision text,
    engine text,
    prompt text,
    prompt_n_tokens integer,
    -- JSON array of the special tokens that occur in the prompt.
    prompt_specials text,
    created_at integer not null,
    unique (comparison_id, position)
) strict;

create table answers (
    id integer primary key autoincrement,
    column_id integer not null references comparison_columns (id),
    sample_idx integer not null,
    seed integer not null,
    -- waiting, finished, failed or cut-off. What is being written is waiting here: it counts only once it has ended.
    state text not null,
    text text not null default '',
    finish text,
    error text,
    n_tokens integer,
    first_token_ms integer,
    writing_ms integer,
    -- 1 kept, 0 not kept, null nothing to check.
    format_kept integer,
    format_reason text,
    ended_at integer,
    created_at integer not null,
    unique (column_id, sample_idx)
) strict;

-- A restart looks for what it cut off.
create index answers_unfinished on answers (state) where state = 'waiting';

-- Every act of labelling, only ever added; what stands is worked out from them.
create table labels (
    id integer primary key autoincrement,
    answer_id integer not null references answers (id),
    act text not null check (act in ('say', 'note', 'undo')),
    verdict text,
    note text,
    -- 1 when the act was done while names were hidden.
    blind integer not null,
    labelled_by text not null,
    created_at integer not null,
    check ((act = 'say') = (verdict is not null)),
    check ((act = 'note') = (note is not null))
) strict;

create index labels_of_answer on labels (answer_id);
