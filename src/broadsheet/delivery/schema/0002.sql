-- What the states of an issue's rows came to when it was done: `status` need not count them again.
-- JSON; NULL while the issue is not done, and for what was done before this version.

ALTER TABLE issues ADD COLUMN counts TEXT;
