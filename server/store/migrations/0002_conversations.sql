-- Conversations: a comparison may go on from another one, by asking on or by continuing an answer that a reviewer changed.
-- Nothing that is kept is ever changed by that: a follow-up is a comparison of its own that points back.

-- A reviewer's own system prompt; null where there is none. It stands over the whole conversation, so only first turns have one.
alter table comparisons add column system text;

-- What every answer begins with, given and not written by a model. The text of an answer is what comes after it.
alter table comparisons add column beginning text not null default '';

-- What this comparison goes on from. All that are linked by this are one family: they are blind together, and revealed together.
alter table comparisons add column parent_id integer references comparisons (id);

-- The answer, one of the parent's, that a reviewer took as the beginning. Null where the comparison asks on.
alter table comparisons add column edited_answer_id integer references answers (id)
    check (edited_answer_id is null or parent_id is not null);

-- Whether it was continued as it was (0) or changed before (1).
alter table comparisons add column edit_changed integer
    check ((edit_changed is null) = (edited_answer_id is null));

create index comparisons_of_parent on comparisons (parent_id) where parent_id is not null;

-- The place of this model in its family, also where only some of the columns go on: a blind model keeps its letter.
alter table comparison_columns add column slot integer not null default 0;
update comparison_columns set slot = position;
create unique index comparison_columns_slot on comparison_columns (comparison_id, slot);

-- The answer that this column's conversation goes on from; null in a first turn.
alter table comparison_columns add column after_answer_id integer references answers (id);
