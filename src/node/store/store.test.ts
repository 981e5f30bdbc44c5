import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../core/errors.ts';
import { sha256Hex } from '../../core/hash.ts';
import type { RunEvent } from '../../protocol/events.ts';
import { isAlive, processStartTime, thisProcess } from './lock.ts';
import { openStore } from './store.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'querent-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const withdrawn = (id: string, reason = ''): RunEvent => ({ type: 'label-withdrawn', data: { id, reason } });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Code and message of what a call throws. */
function thrown(call: () => unknown): { code: string; message: string } {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(EnvironmentError);
    const { code, message } = error as EnvironmentError;
    return { code, message };
  }
  throw new Error('nothing was thrown');
}

describe('a store', () => {
  it('keeps events and blobs, in order, over openings', () => {
    const file = join(folder, 'a.sqlite');
    const store = openStore(file, { now: () => new Date(1_700_000_000_000) });
    const first = store.append([withdrawn('a', 'ä'), withdrawn('b')], [bytes('blob')]);
    store.append([withdrawn('c')]);
    expect(first.map(({ seq, time }) => [seq, time])).toEqual([
      [1, '2023-11-14T22:13:20.000Z'],
      [2, '2023-11-14T22:13:20.000Z'],
    ]);
    const written = store.events();
    store.close();
    const again = openStore(file, { readOnly: true });
    expect(again.damage).toBeNull();
    expect(again.events()).toEqual(written);
    expect(again.events(2).map(({ seq }) => seq)).toEqual([3]);
    expect(again.blob(sha256Hex('blob'))).toEqual(bytes('blob'));
    expect(thrown(() => again.blob('0'.repeat(64))).code).toBe('BLOB_MISSING');
    again.close();
  });

  it('is one file once it is closed', () => {
    const file = join(folder, 'a.sqlite');
    const store = openStore(file);
    store.append([withdrawn('a')]);
    store.close();
    store.close();
    expect(readdirSync(folder)).toEqual(['a.sqlite']);
  });

  it('writes all of a transaction or nothing', () => {
    const store = openStore(join(folder, 'a.sqlite'));
    const bad = { type: 'label-withdrawn', data: { id: 3 } } as unknown as RunEvent;
    expect(() => store.append([withdrawn('a'), bad], [bytes('blob')])).toThrow(/must follow its schema/);
    expect(store.events()).toEqual([]);
    expect(thrown(() => store.blob(sha256Hex('blob'))).code).toBe('BLOB_MISSING');
    expect(store.append([withdrawn('a')])[0]!.seq).toBe(1);
    store.close();
  });

  it('keeps snapshots and telemetry apart from the events', () => {
    const file = join(folder, 'a.sqlite');
    const store = openStore(file);
    store.append([withdrawn('a')]);
    expect(store.snapshot()).toBeNull();
    store.saveSnapshot({ seq: 1, version: 1, state: { labels: {} } });
    store.appendTelemetry([
      { kind: 'phase', round: 0, data: { phase: 'fit', seconds: 1.5 } },
      { kind: 'md', round: 1, data: { temperature: 300 } },
    ]);
    store.close();
    const again = openStore(file, { readOnly: true });
    expect(again.snapshot()).toEqual({ seq: 1, version: 1, state: { labels: {} } });
    expect(again.telemetry('phase')).toEqual([{ kind: 'phase', round: 0, data: { phase: 'fit', seconds: 1.5 } }]);
    expect(again.telemetry()).toHaveLength(2);
    again.close();
  });

  it('can be read while another opening writes', () => {
    const file = join(folder, 'a.sqlite');
    const writer = openStore(file);
    writer.append([withdrawn('a')]);
    const reader = openStore(file, { readOnly: true });
    writer.append([withdrawn('b')]);
    expect(reader.events()).toHaveLength(1);
    expect(thrown(() => reader.append([withdrawn('c')])).code).toBe('STORE_READ_ONLY');
    reader.close();
    writer.close();
  });
});

describe('a full disk', () => {
  it('is told, loses nothing, and the run goes on once there is room', () => {
    const file = join(folder, 'a.sqlite');
    const small = openStore(file, { maxPages: 20 });
    const big = new Uint8Array(20_000).fill(7);
    let stored = 0;
    const { code, message } = thrown(() => {
      for (let k = 0; k < 100; k++) {
        small.append([withdrawn(`label ${k}`)], [big.map((value) => (value + k) % 256)]);
        stored++;
      }
    });
    expect(code).toBe('DISK_FULL');
    expect(message).toMatch(/the disk is full; nothing is lost/);
    expect(stored).toBeGreaterThan(0);
    expect(small.events()).toHaveLength(stored);
    small.close();
    const roomy = openStore(file);
    expect(roomy.damage).toBeNull();
    expect(roomy.events()).toHaveLength(stored);
    roomy.append([withdrawn('more')], [big]);
    expect(roomy.events()).toHaveLength(stored + 1);
    roomy.close();
  });
});

describe('a damaged store', () => {
  function filled(): string {
    const file = join(folder, 'a.sqlite');
    const store = openStore(file);
    for (let k = 0; k < 200; k++) store.append([withdrawn(`label ${k}`, 'x'.repeat(200))]);
    store.close();
    return file;
  }

  it('is read up to the last event whose chain holds, and not written', () => {
    const file = filled();
    const database = new DatabaseSync(file);
    database.exec(`UPDATE events SET data = replace(data, 'x', 'y') WHERE seq = 120`);
    database.close();
    const store = openStore(file);
    expect(store.events()).toHaveLength(119);
    expect(store.damage?.lastGoodSeq).toBe(119);
    expect(store.damage?.message).toMatch(
      /event 120 is damaged; the last good transaction is event 119 \(label-withdrawn, /,
    );
    expect(thrown(() => store.append([withdrawn('more')]))).toMatchObject({ code: 'STORE_DAMAGED' });
    store.close();
  });

  it('also when an event was taken out', () => {
    const file = filled();
    const database = new DatabaseSync(file);
    database.exec('DELETE FROM events WHERE seq = 50');
    database.close();
    const store = openStore(file, { readOnly: true });
    expect(store.damage?.lastGoodSeq).toBe(49);
    store.close();
  });

  it('is read as far as it goes when the file is cut short or overwritten', () => {
    const file = filled();
    const whole = readFileSync(file);
    const overwritten = join(folder, 'overwritten.sqlite');
    const garbled = Buffer.from(whole);
    // Pages of 4096 bytes: the first holds the tables, a late one holds late events.
    const page = Math.floor(whole.length / 4096) - 4;
    garbled.fill(0xaa, page * 4096, (page + 1) * 4096);
    writeFileSync(overwritten, garbled);
    const store = openStore(overwritten, { readOnly: true });
    expect(store.damage).not.toBeNull();
    expect(store.events().length).toBeGreaterThan(20);
    expect(store.events().length).toBe(store.damage!.lastGoodSeq);
    store.close();
  });

  it('that is no database at all is refused', () => {
    const file = join(folder, 'no.sqlite');
    writeFileSync(file, 'this is not a database, but it is long enough to be looked at as one'.repeat(100));
    expect(thrown(() => openStore(file)).code).toBe('STORE_DAMAGED');
  });

  it('loses a snapshot that is damaged, not the run', () => {
    const file = join(folder, 'a.sqlite');
    const store = openStore(file);
    store.append([withdrawn('a')]);
    store.saveSnapshot({ seq: 1, version: 1, state: { ok: true } });
    store.close();
    const database = new DatabaseSync(file);
    database.exec(`UPDATE snapshots SET state = '{"ok":false}'`);
    database.close();
    const again = openStore(file, { readOnly: true });
    expect(again.snapshot()).toBeNull();
    expect(again.events()).toHaveLength(1);
    again.close();
  });

  it('tells when a blob is not what it was', () => {
    const file = join(folder, 'a.sqlite');
    const store = openStore(file);
    store.append([withdrawn('a')], [bytes('blob')]);
    store.close();
    const database = new DatabaseSync(file);
    database.exec(`UPDATE blobs SET bytes = x'00'`);
    database.close();
    const again = openStore(file, { readOnly: true });
    expect(thrown(() => again.blob(sha256Hex('blob')))).toMatchObject({ code: 'STORE_DAMAGED' });
    again.close();
  });
});

describe('a transaction cut by a kill', () => {
  it('is rolled back by the next opening, also one for reading', () => {
    const file = join(folder, 'a.sqlite');
    const store = openStore(file);
    store.append([withdrawn('a')]);
    store.close();
    // A writer with a tiny cache spills its transaction into the file; copies taken then look as after a kill.
    const writer = new DatabaseSync(file);
    writer.exec('PRAGMA journal_mode = TRUNCATE; PRAGMA cache_size = 2; BEGIN IMMEDIATE');
    const put = writer.prepare('INSERT INTO blobs VALUES (?, ?)');
    for (let k = 0; k < 50; k++) put.run(`${k}`, new Uint8Array(5000).fill(k));
    const killed = join(folder, 'killed.sqlite');
    copyFileSync(file, killed);
    copyFileSync(`${file}-journal`, `${killed}-journal`);
    writer.exec('ROLLBACK');
    writer.close();
    const again = openStore(killed, { readOnly: true });
    expect(again.damage).toBeNull();
    expect(again.events()).toHaveLength(1);
    expect(thrown(() => again.blob('3')).code).toBe('BLOB_MISSING');
    again.close();
  });
});

describe('versions', () => {
  it('of newer tables are refused with the way out', () => {
    const file = join(folder, 'a.sqlite');
    openStore(file).close();
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 99');
    database.close();
    for (const readOnly of [true, false]) {
      const { code, message } = thrown(() => openStore(file, { readOnly }));
      expect(code).toBe('STORE_NEWER');
      expect(message).toMatch(/newer Querent \(store version 99, this program knows \d+\); update it/);
    }
  });

  it('of newer events are refused too', () => {
    const file = join(folder, 'a.sqlite');
    const store = openStore(file, { now: () => new Date(0) });
    store.append([withdrawn('a')]);
    store.close();
    const time = new Date(0).toISOString();
    const data = '{"id":"a","reason":""}';
    const database = new DatabaseSync(file);
    database
      .prepare('UPDATE events SET version = 7, hash = ?')
      .run(sha256Hex(['', 'label-withdrawn', '7', time, data].join('\n')));
    database.close();
    expect(thrown(() => openStore(file))).toMatchObject({ code: 'STORE_NEWER' });
  });

  it('that are missing say so', () => {
    expect(thrown(() => openStore(join(folder, 'none.sqlite'), { readOnly: true }))).toMatchObject({
      code: 'STORE_MISSING',
    });
    expect(thrown(() => openStore(join(folder, 'no', 'folder.sqlite')))).toMatchObject({ code: 'STORE_UNREADABLE' });
  });
});

describe('holding a store', () => {
  it('keeps a second run out until it is released', () => {
    const file = join(folder, 'a.sqlite');
    const one = openStore(file);
    const two = openStore(file);
    one.hold();
    const { code, message } = thrown(() => two.hold());
    expect(code).toBe('RUN_LOCKED');
    expect(message).toMatch(new RegExp(`must not be used by two runs at once, but process ${process.pid} holds it`));
    expect(two.holder()).toEqual(thisProcess());
    one.close();
    two.hold();
    two.close();
    const reader = openStore(file, { readOnly: true });
    expect(reader.holder()).toBeNull();
    reader.close();
  });

  it('is taken over from a process that no longer runs, or whose number is used again', () => {
    const file = join(folder, 'a.sqlite');
    const dead = { ...thisProcess(), pid: 2 ** 22 - 3 };
    const reborn = { ...thisProcess(), startTime: 'another boot:1' };
    for (const [k, holder] of [dead, reborn].entries()) {
      expect(isAlive(holder)).toBe(false);
      const copy = join(folder, `${k}.sqlite`);
      openStore(file).close();
      copyFileSync(file, copy);
      const database = new DatabaseSync(copy);
      database.prepare('INSERT INTO holder VALUES (1, ?, ?, ?)').run(holder.pid, holder.startTime, holder.host);
      database.close();
      const store = openStore(copy);
      expect(store.holder()).toBeNull();
      store.hold();
      expect(store.holder()).toEqual(thisProcess());
      store.close();
    }
  });

  it('of another machine is respected unless told otherwise', () => {
    const file = join(folder, 'a.sqlite');
    openStore(file).close();
    const database = new DatabaseSync(file);
    database.prepare('INSERT INTO holder VALUES (1, ?, ?, ?)').run(1, null, 'elsewhere');
    database.close();
    const store = openStore(file);
    expect(thrown(() => store.hold()).message).toMatch(/process 1 on elsewhere holds it; .*--break-lock/);
    store.hold(true);
    store.close();
  });

  it('sees what another process wrote between opening and holding', () => {
    const file = join(folder, 'a.sqlite');
    const late = openStore(file);
    const early = openStore(file);
    early.append([withdrawn('a')]);
    early.close();
    late.hold();
    expect(late.events()).toHaveLength(1);
    late.append([withdrawn('b')]);
    late.close();
  });

  it('knows when a process started', () => {
    const start = processStartTime(process.pid);
    expect(start).toBe(processStartTime(process.pid));
    expect(processStartTime(2 ** 22 - 3)).toBeNull();
  });
});
