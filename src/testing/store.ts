import { sha256Hex } from '../core/hash.ts';
import type { RunStore } from '../loop/store.ts';
import { canonicalJson } from '../protocol/canonical-json.ts';
import type { RunEvent } from '../protocol/events.ts';
import type { TestRunner } from './runner.ts';

/**
 * What every store of a run must do: keep events in the order in which they came, chained, with the blobs they name; give
 * back what was put in after it was closed and opened again; and own what it holds.
 *
 * @param name  name of the kind of store
 * @param open  opens the store of that key, a new one the first time; called again after `close`
 */
export function storeConformance(runner: TestRunner, name: string, open: (key: string) => RunStore): void {
  const { describe, it, expect } = runner;
  const event = (id: string): RunEvent => ({ type: 'label-withdrawn', data: { id, reason: 'a test' } });
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const text = (data: Uint8Array): string => new TextDecoder().decode(data);
  const fails = (call: () => unknown): boolean => {
    try {
      call();
      return false;
    } catch {
      return true;
    }
  };

  describe(`run store: ${name}`, () => {
    it('is empty at first', () => {
      const store = open('empty');
      expect(store.damage).toBe(null);
      expect(store.events().length).toBe(0);
      expect(store.snapshot()).toBe(null);
      expect(store.telemetry().length).toBe(0);
      store.close();
    });

    it('numbers events from 1 in the order in which they came and tells them from there on', () => {
      const store = open('order');
      const first = store.append([event('a'), event('b')]);
      const second = store.append([event('c')]);
      expect([...first, ...second].map(({ seq }) => seq).join()).toBe('1,2,3');
      expect(
        store
          .events()
          .map((stored) => canonicalJson(stored.data))
          .join(),
      ).toBe(['a', 'b', 'c'].map((id) => canonicalJson(event(id).data)).join());
      expect(canonicalJson(store.events(2))).toBe(canonicalJson(second));
      expect(store.events(3).length).toBe(0);
      store.close();
    });

    it('chains events: equal events in different places have different hashes', () => {
      const store = open('chain');
      const hashes = store.append([event('a'), event('a'), event('a')]).map(({ hash }) => hash);
      expect(new Set(hashes).size).toBe(3);
      store.close();
    });

    it('keeps blobs by the sha256 of their bytes, each once, and knows which it does not have', () => {
      const store = open('blobs');
      store.append([event('a')], [bytes('one'), bytes('two')]);
      store.append([event('b')], [bytes('one'), new Uint8Array(0)]);
      expect(text(store.blob(sha256Hex('one')))).toBe('one');
      expect(text(store.blob(sha256Hex('two')))).toBe('two');
      expect(store.blob(sha256Hex('')).length).toBe(0);
      expect(fails(() => store.blob(sha256Hex('three')))).toBe(true);
      store.close();
    });

    it('owns what it holds: neither what was put in nor what was handed out can change it', () => {
      const store = open('owner');
      const given = bytes('blob');
      store.append([event('a')], [given]);
      given.fill(0);
      const id = sha256Hex('blob');
      expect(text(store.blob(id))).toBe('blob');
      store.blob(id).fill(0);
      expect(text(store.blob(id))).toBe('blob');
      store.close();
    });

    it('gives everything back after it was closed', () => {
      const store = open('again');
      const written = store.append([event('a'), event('b')], [bytes('blob')]);
      store.saveSnapshot({ seq: 2, version: 7, state: { labels: { a: 1 }, none: null } });
      store.appendTelemetry([
        { kind: 'phase', round: 0, data: { seconds: 1.5, name: 'fit' } },
        { kind: 'other', round: 1, data: {} },
      ]);
      store.close();
      const again = open('again');
      expect(again.damage).toBe(null);
      expect(canonicalJson(again.events())).toBe(canonicalJson(written));
      expect(text(again.blob(sha256Hex('blob')))).toBe('blob');
      expect(canonicalJson(again.snapshot())).toBe(
        canonicalJson({ seq: 2, version: 7, state: { labels: { a: 1 }, none: null } }),
      );
      expect(canonicalJson(again.telemetry('phase'))).toBe(
        canonicalJson([{ kind: 'phase', round: 0, data: { seconds: 1.5, name: 'fit' } }]),
      );
      expect(again.telemetry().length).toBe(2);
      expect(again.append([event('c')])[0]!.seq).toBe(3);
      again.close();
    });

    it('hands out the latest snapshot', () => {
      const store = open('snapshots');
      store.append([event('a'), event('b')]);
      store.saveSnapshot({ seq: 1, version: 1, state: 'old' });
      store.saveSnapshot({ seq: 2, version: 1, state: 'new' });
      expect(store.snapshot()?.state).toBe('new');
      store.close();
    });
  });
}
