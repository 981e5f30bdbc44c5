import type { DatabaseSync } from 'node:sqlite';

/** Version of the tables; `PRAGMA user_version` of a store. A store of a newer version is refused. */
export const STORE_VERSION = 1;

/** Tables of version 1. */
const VERSION_1 = `
CREATE TABLE events (
  seq     INTEGER PRIMARY KEY,
  type    TEXT NOT NULL,
  version INTEGER NOT NULL,
  time    TEXT NOT NULL,
  data    TEXT NOT NULL,
  hash    TEXT NOT NULL
) STRICT;
CREATE TABLE blobs (
  id    TEXT PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;
CREATE TABLE snapshots (
  seq     INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  state   TEXT NOT NULL,
  hash    TEXT NOT NULL
) STRICT;
CREATE TABLE telemetry (
  id    INTEGER PRIMARY KEY,
  kind  TEXT NOT NULL,
  round INTEGER NOT NULL,
  data  TEXT NOT NULL
) STRICT;
CREATE TABLE holder (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  pid        INTEGER NOT NULL,
  start_time TEXT,
  host       TEXT NOT NULL
) STRICT;
CREATE INDEX telemetry_kind ON telemetry (kind, id);
`;

/** Changes of the tables from version v to v + 1, in order. */
const MIGRATIONS: readonly string[] = [VERSION_1];

/** Version of the tables of an open database; 0 for an empty one. */
export function tablesVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()!.user_version);
}

/** Brings the tables of an open database to the current version, in one transaction. */
export function migrate(database: DatabaseSync): void {
  const version = tablesVersion(database);
  if (version === STORE_VERSION) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const change of MIGRATIONS.slice(version)) database.exec(change);
    database.exec(`PRAGMA user_version = ${STORE_VERSION}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
