//! The tables of the link store. The statements are those SQLite and PostgreSQL have in common, except for [`GUARDS`], and but
//! for one thing: SQLite numbers an `INTEGER PRIMARY KEY` itself, which PostgreSQL wants told (`BIGINT GENERATED ALWAYS AS
//! IDENTITY`).

/// The version the tables below have.
pub(super) const VERSION: i64 = 2;

/// Times are texts in one spelling, whose order is that of time.
pub(super) const TABLES: &str = "
CREATE TABLE link_schema (
    version INTEGER NOT NULL
);
CREATE TABLE link (
    id INTEGER PRIMARY KEY,
    link_id BIGINT NOT NULL,
    subject TEXT NOT NULL,
    predicate TEXT NOT NULL,
    object TEXT NOT NULL,
    rule TEXT,
    author TEXT,
    evidence TEXT,
    confidence DOUBLE PRECISION,
    state TEXT NOT NULL CHECK (state IN ('proposed', 'confirmed', 'suspect', 'retired')),
    valid_from TEXT,
    valid_to TEXT,
    recorded_at TEXT NOT NULL,
    superseded_at TEXT
);
CREATE TABLE link_run (
    id INTEGER PRIMARY KEY,
    rule TEXT NOT NULL,
    text TEXT NOT NULL,
    ran_at TEXT NOT NULL,
    coverage TEXT NOT NULL
);
";

pub(super) const INDEXES: &str = "
CREATE INDEX link_identity ON link (link_id);
CREATE INDEX link_subject ON link (subject);
CREATE INDEX link_object ON link (object);
CREATE INDEX link_people ON link (link_id) WHERE rule IS NULL;
CREATE INDEX link_of_rule ON link (rule, id) WHERE superseded_at IS NULL;
CREATE INDEX link_in_state ON link (state, id) WHERE superseded_at IS NULL;
CREATE INDEX link_from ON link (valid_from) WHERE valid_from IS NOT NULL AND superseded_at IS NULL;
CREATE INDEX link_to ON link (valid_to) WHERE valid_to IS NOT NULL AND superseded_at IS NULL;
CREATE INDEX link_run_of_rule ON link_run (rule, id);
";

/// Nothing is overwritten: the database itself refuses it.
pub(super) const GUARDS: &str = "
CREATE TRIGGER link_is_kept BEFORE DELETE ON link BEGIN
    SELECT RAISE(ABORT, 'records of links are never deleted');
END;
CREATE TRIGGER link_is_fixed BEFORE UPDATE OF id, link_id, subject, predicate, object, rule, author, evidence, confidence,
    state, valid_from, valid_to, recorded_at ON link BEGIN
    SELECT RAISE(ABORT, 'records of links are never changed');
END;
CREATE TRIGGER link_is_closed_once BEFORE UPDATE OF superseded_at ON link WHEN OLD.superseded_at IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'records of links are closed once');
END;
CREATE TRIGGER link_run_is_kept BEFORE DELETE ON link_run BEGIN
    SELECT RAISE(ABORT, 'runs of rules are never deleted');
END;
CREATE TRIGGER link_run_is_fixed BEFORE UPDATE ON link_run BEGIN
    SELECT RAISE(ABORT, 'runs of rules are never changed');
END;
";
