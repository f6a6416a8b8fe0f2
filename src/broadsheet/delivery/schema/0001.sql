-- The first schema. {id}, {bytes} and {real} are what a dialect calls them (database.py).
-- Times are text in UTC, such as 2025-06-30T01:00:00.000000Z: they sort, and people can read them.

CREATE TABLE subscribers (
  id {id},
  address TEXT NOT NULL,                    -- as mail is sent to it: ASCII, domain in IDNA form
  address_key TEXT NOT NULL UNIQUE,         -- what all spellings of it have in common
  name TEXT NOT NULL DEFAULT '',
  language TEXT NOT NULL DEFAULT '',        -- a language tag; '' is the digest's own
  topics TEXT NOT NULL DEFAULT '[]',        -- the topics wanted, JSON; [] is all
  digests TEXT NOT NULL DEFAULT '[]',       -- the digests wanted, JSON; [] is all
  status TEXT NOT NULL
    CHECK (status IN ('pending', 'active', 'unsubscribed', 'bounced', 'complained')),
  since TEXT NOT NULL,                      -- when the status became what it is
  cause TEXT NOT NULL,                      -- and why
  bounces INTEGER NOT NULL DEFAULT 0,       -- temporary ones, one after another
  bounced_at TEXT                           -- the last of these
);

CREATE INDEX subscribers_by_status ON subscribers (status);

-- What was changed, when and why. Rows are only ever added.
CREATE TABLE changes (
  id {id},
  subscriber BIGINT NOT NULL REFERENCES subscribers (id),
  at TEXT NOT NULL,
  what TEXT NOT NULL,                       -- status, name, language, topics, digests
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  cause TEXT NOT NULL
);

CREATE INDEX changes_by_subscriber ON changes (subscriber);

-- The issues whose delivery has begun, each with all that its mail is made of.
CREATE TABLE issues (
  id {id},
  digest TEXT NOT NULL,
  key TEXT NOT NULL,
  tick TEXT NOT NULL,                       -- when the issue was due
  begun TEXT NOT NULL,                      -- when its rows were frozen; the Date of its mail
  total BIGINT NOT NULL,                    -- of rows
  done TEXT,                                -- when its last row became final
  mail {bytes} NOT NULL,                    -- message.eml as issued
  letters TEXT NOT NULL,                    -- what variants are laid out from, JSON
  UNIQUE (digest, key)
);

-- Runs of `deliver`. A run holds a lock for as long as it lives; see senders.py.
CREATE TABLE senders (
  id {id},
  name TEXT NOT NULL,                       -- host and process
  begun TEXT NOT NULL,
  ended TEXT
);

-- The ledger: one row for each issue and subscriber.
CREATE TABLE deliveries (
  id {id},
  issue BIGINT NOT NULL REFERENCES issues (id),
  subscriber BIGINT REFERENCES subscribers (id),  -- NULL: erased; the row only counts
  state TEXT NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'claimed', 'retry', 'in_doubt', 'sent', 'failed', 'skipped')),
  attempts INTEGER NOT NULL DEFAULT 0,
  first_at TEXT,                            -- the first attempt
  changed TEXT NOT NULL,
  next_at TEXT,                             -- retry, in_doubt: not before
  sender BIGINT REFERENCES senders (id),    -- the run that has it in hand, or had it last
  lease TEXT,                               -- claimed: until when
  code INTEGER,                             -- the server's last reply
  reply TEXT NOT NULL DEFAULT '',           -- its words, or why the row is as it is
  UNIQUE (issue, subscriber)
);

CREATE INDEX deliveries_by_state ON deliveries (issue, state, next_at, id);
CREATE INDEX deliveries_by_subscriber ON deliveries (subscriber);

-- The next moment at which a message may be sent, for all runs together.
CREATE TABLE pace (
  name TEXT PRIMARY KEY,
  next_at {real} NOT NULL                   -- seconds from 1970
);

INSERT INTO pace (name, next_at) VALUES ('all', 0);

-- Addresses that were erased: HMAC-SHA-256 of address_key, with the key `erasures`.
CREATE TABLE erasures (
  hash TEXT PRIMARY KEY,
  at TEXT NOT NULL
);

-- Random keys that belong to this database; hexadecimal.
CREATE TABLE keys (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
