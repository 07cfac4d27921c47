-- The statements of schema 0008, as the version before 0009 made them.
CREATE TABLE articles (
	id INTEGER NOT NULL,
	outlet VARCHAR NOT NULL,
	article_id VARCHAR NOT NULL,
	url VARCHAR NOT NULL,
	CONSTRAINT pk_articles PRIMARY KEY (id),
	CONSTRAINT uq_articles_outlet_article_id UNIQUE (outlet, article_id)
);
CREATE TABLE runs (
	id VARCHAR NOT NULL,
	verb VARCHAR NOT NULL,
	started_at DATETIME NOT NULL,
	ended_at DATETIME,
	counts JSON NOT NULL,
	outlet VARCHAR DEFAULT '' NOT NULL,
	arguments JSON DEFAULT '[]' NOT NULL,
	job VARCHAR DEFAULT '' NOT NULL,
	due_at DATETIME,
	attempt INTEGER DEFAULT '0' NOT NULL,
	host VARCHAR DEFAULT '' NOT NULL,
	version VARCHAR DEFAULT '' NOT NULL,
	holder VARCHAR DEFAULT '' NOT NULL,
	ending VARCHAR DEFAULT '' NOT NULL,
	exit_code INTEGER,
	log VARCHAR DEFAULT '' NOT NULL,
	CONSTRAINT pk_runs PRIMARY KEY (id)
);
CREATE TABLE leases (
	name VARCHAR NOT NULL,
	run_id VARCHAR NOT NULL,
	holder VARCHAR NOT NULL,
	taken_at DATETIME NOT NULL,
	renewed_at DATETIME NOT NULL,
	CONSTRAINT pk_leases PRIMARY KEY (name)
);
CREATE TABLE alarms (
	id INTEGER NOT NULL,
	kind VARCHAR NOT NULL,
	subject VARCHAR NOT NULL,
	sentence TEXT NOT NULL,
	began_at DATETIME NOT NULL,
	ended_at DATETIME,
	notified_at DATETIME,
	resolved_notified_at DATETIME,
	fields VARCHAR DEFAULT '' NOT NULL,
	CONSTRAINT pk_alarms PRIMARY KEY (id)
);
CREATE TABLE frontier (
	id INTEGER NOT NULL,
	outlet VARCHAR NOT NULL,
	article_id VARCHAR NOT NULL,
	url VARCHAR NOT NULL,
	published_at DATETIME,
	discovered_at DATETIME NOT NULL,
	channels JSON NOT NULL,
	state VARCHAR NOT NULL,
	due_at DATETIME,
	failures INTEGER NOT NULL,
	visits INTEGER NOT NULL,
	first_visit_at DATETIME,
	visited_at DATETIME,
	served_at DATETIME,
	gone_at DATETIME,
	outcome VARCHAR NOT NULL,
	reason VARCHAR NOT NULL,
	etag VARCHAR NOT NULL,
	last_modified VARCHAR NOT NULL,
	lease VARCHAR NOT NULL,
	discovered_run VARCHAR NOT NULL,
	last_run VARCHAR NOT NULL,
	CONSTRAINT pk_frontier PRIMARY KEY (id),
	CONSTRAINT uq_frontier_outlet_article_id UNIQUE (outlet, article_id)
);
CREATE TABLE robots (
	origin VARCHAR NOT NULL,
	fetched_at DATETIME NOT NULL,
	status INTEGER NOT NULL,
	body BLOB NOT NULL,
	CONSTRAINT pk_robots PRIMARY KEY (origin)
);
CREATE TABLE removals (
	id INTEGER NOT NULL,
	outlet VARCHAR NOT NULL,
	article_id VARCHAR NOT NULL,
	at DATETIME NOT NULL,
	reason VARCHAR NOT NULL,
	"by" VARCHAR NOT NULL,
	CONSTRAINT pk_removals PRIMARY KEY (id),
	CONSTRAINT uq_removals_outlet_article_id UNIQUE (outlet, article_id)
);
CREATE TABLE aliases (
	outlet VARCHAR NOT NULL,
	alias VARCHAR NOT NULL,
	article INTEGER NOT NULL,
	CONSTRAINT pk_aliases PRIMARY KEY (outlet, alias),
	CONSTRAINT fk_aliases_article FOREIGN KEY(article) REFERENCES articles (id)
);
CREATE TABLE revisions (
	id INTEGER NOT NULL,
	article INTEGER NOT NULL,
	number INTEGER NOT NULL,
	current BOOLEAN NOT NULL,
	capture_id INTEGER NOT NULL,
	captured_at DATETIME NOT NULL,
	content_key VARCHAR NOT NULL,
	headline TEXT NOT NULL,
	subheadlines JSON NOT NULL,
	authors JSON NOT NULL,
	dateline VARCHAR NOT NULL,
	section VARCHAR NOT NULL,
	tags JSON NOT NULL,
	published_at DATETIME,
	published_raw VARCHAR NOT NULL,
	published_precision VARCHAR,
	modified_at DATETIME,
	modified_raw VARCHAR NOT NULL,
	modified_precision VARCHAR,
	body TEXT NOT NULL,
	images JSON NOT NULL,
	language VARCHAR NOT NULL,
	flags JSON NOT NULL,
	layouts JSON NOT NULL,
	quality VARCHAR NOT NULL,
	removed JSON NOT NULL,
	change JSON,
	CONSTRAINT pk_revisions PRIMARY KEY (id),
	CONSTRAINT uq_revisions_article_number UNIQUE (article, number),
	CONSTRAINT fk_revisions_article FOREIGN KEY(article) REFERENCES articles (id)
);
CREATE TABLE refused (
	outlet VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	removal INTEGER NOT NULL,
	CONSTRAINT pk_refused PRIMARY KEY (outlet, name),
	CONSTRAINT fk_refused_removal FOREIGN KEY(removal) REFERENCES removals (id)
);
CREATE TABLE captures (
	id INTEGER NOT NULL,
	outlet VARCHAR NOT NULL,
	url VARCHAR NOT NULL,
	record_type VARCHAR NOT NULL,
	status INTEGER,
	media_type VARCHAR NOT NULL,
	captured_at DATETIME NOT NULL,
	time_known BOOLEAN NOT NULL,
	warc_file VARCHAR NOT NULL,
	warc_offset INTEGER NOT NULL,
	warc_length INTEGER NOT NULL,
	record_id VARCHAR NOT NULL,
	payload_digest VARCHAR NOT NULL,
	charset_declared VARCHAR NOT NULL,
	charset_used VARCHAR NOT NULL,
	charset_damage INTEGER NOT NULL,
	source VARCHAR NOT NULL,
	outcome VARCHAR NOT NULL,
	reason VARCHAR NOT NULL,
	revision_id INTEGER,
	CONSTRAINT pk_captures PRIMARY KEY (id),
	CONSTRAINT uq_captures_record_id UNIQUE (record_id),
	CONSTRAINT fk_captures_revision_id FOREIGN KEY(revision_id) REFERENCES revisions (id)
);
CREATE TABLE outcomes (
	id INTEGER NOT NULL,
	run_id VARCHAR NOT NULL,
	at DATETIME NOT NULL,
	source VARCHAR NOT NULL,
	outlet VARCHAR NOT NULL,
	outcome VARCHAR NOT NULL,
	reason VARCHAR NOT NULL,
	detail VARCHAR NOT NULL,
	capture_id INTEGER,
	CONSTRAINT pk_outcomes PRIMARY KEY (id),
	CONSTRAINT fk_outcomes_run_id FOREIGN KEY(run_id) REFERENCES runs (id),
	CONSTRAINT fk_outcomes_capture_id FOREIGN KEY(capture_id) REFERENCES captures (id)
);
CREATE VIRTUAL TABLE search USING fts5(headline, body, content='', columnsize=0, tokenize='ascii');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE INDEX ix_runs_going ON runs (started_at) WHERE ending = '';
CREATE UNIQUE INDEX ux_runs_job_due_at_attempt ON runs (job, due_at, attempt);
CREATE INDEX ix_runs_started_at ON runs (started_at);
CREATE INDEX ix_runs_outlet_started_at ON runs (outlet, started_at);
CREATE INDEX ix_alarms_kind_subject ON alarms (kind, subject);
CREATE INDEX ix_frontier_last_run ON frontier (outlet, last_run);
CREATE INDEX ix_frontier_fresh ON frontier (outlet, state, visits, due_at);
CREATE INDEX ix_frontier_due ON frontier (outlet, state, due_at);
CREATE INDEX ix_frontier_published_at ON frontier (outlet, published_at, first_visit_at);
CREATE INDEX ix_frontier_served_at ON frontier (outlet, served_at);
CREATE INDEX ix_frontier_discovered_run ON frontier (outlet, discovered_run);
CREATE INDEX ix_aliases_article ON aliases (article);
CREATE INDEX ix_revisions_content_key ON revisions (content_key);
CREATE INDEX ix_revisions_generic ON revisions (article) WHERE quality = 'generic';
CREATE INDEX ix_revisions_published_at ON revisions (published_at);
CREATE INDEX ix_revisions_capture_id ON revisions (capture_id);
CREATE INDEX ix_captures_payload_digest ON captures (payload_digest);
CREATE INDEX ix_captures_url ON captures (url);
CREATE INDEX ix_captures_revision_id ON captures (revision_id);
CREATE INDEX ix_outcomes_run_id ON outcomes (run_id);
INSERT INTO alembic_version VALUES ('0008');
