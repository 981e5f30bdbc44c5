import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SRC = join(ROOT, 'src');

/** Rows of ARCHITECTURE.md's table: room → rooms and files it may import, both relative to src/. */
function importTable(): Map<string, string[]> {
  const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
  const section = text.slice(text.indexOf('## Who may import whom'));
  const table = new Map<string, string[]>();
  for (const line of section.split('\n')) {
    const match = /^\| ([\w/.-]+) \| ?(.*) ?\|$/.exec(line);
    if (match === null || match[1] === 'room') continue;
    table.set(
      match[1]!,
      match[2]!
        .split(',')
        .map((room) => room.trim())
        .filter((room) => room !== ''),
    );
  }
  return table;
}

/** Source files relative to src/, generated ones left out. */
function sourceFiles(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
    .map((file) => file.replaceAll('\\', '/'));
}

const isTest = (file: string): boolean => file.endsWith('.test.ts');

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const found = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1]!);
  return found.map((path) => relative(SRC, normalize(join(SRC, dirname(file), path))).replaceAll('\\', '/'));
}

const table = importTable();

/** The longest entry of the table that holds the file. */
function roomOf(file: string): string | undefined {
  return [...table.keys()]
    .filter((room) => file === room || file.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];
}

const within = (file: string, place: string): boolean => file === place || file.startsWith(`${place}/`);

describe('architecture', () => {
  const files = sourceFiles();

  it('gives every source file a room', () => {
    expect(files.filter((file) => !isTest(file) && roomOf(file) === undefined)).toEqual([]);
  });

  it('imports only what the table of ARCHITECTURE.md allows', () => {
    const breaches: string[] = [];
    for (const file of files) {
      if (isTest(file)) continue;
      const room = roomOf(file)!;
      for (const target of importsOf(file)) {
        if (target.includes('generated') || within(target, room)) continue;
        if (!table.get(room)!.some((place) => within(target, place))) breaches.push(`${file} imports ${target}`);
      }
    }
    expect(breaches).toEqual([]);
  });

  it('has a table whose direction is acyclic: each room stands below all that it imports', () => {
    const order = [...table.keys()];
    const breaches: string[] = [];
    order.forEach((room, position) => {
      for (const place of table.get(room)!) {
        const places = order.filter((other) => within(other, place) || within(place, other));
        for (const other of places)
          if (order.indexOf(other) >= position && other !== room) breaches.push(`${room} → ${place}`);
      }
    });
    expect(breaches).toEqual([]);
  });

  it('keeps ring 0 free of Node, the console, the clock and Math.pow', () => {
    const stray: string[] = [];
    for (const file of files.filter((f) => f.startsWith('core/') && !isTest(f))) {
      const text = readFileSync(join(SRC, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      for (const word of [
        /from 'node:/,
        /\bconsole\./,
        /\bDate\.now\b/,
        /\bperformance\./,
        /\bprocess\./,
        /Math\.pow/,
        /Math\.random/,
        /\bsetTimeout\b/,
      ]) {
        if (word.test(text)) stray.push(`${file}: ${word.source}`);
      }
    }
    expect(stray).toEqual([]);
  });

  it('has no file above 800 lines and none that exports by default', () => {
    const bad = files.filter((file) => {
      const text = readFileSync(join(SRC, file), 'utf8');
      return text.split('\n').length > 800 || /^export default/m.test(text);
    });
    expect(bad).toEqual([]);
  });

  it('starts processes only in node/execution, and prints only in cli', () => {
    const bad = files.filter((file) => {
      if (isTest(file)) return false;
      const text = readFileSync(join(SRC, file), 'utf8');
      const starts =
        /from 'execa'|from 'node:child_process'/.test(text) &&
        !file.startsWith('node/execution/') &&
        !file.startsWith('node/doctor');
      const prints = /\bconsole\.|process\.stdout\.write/.test(text) && !file.startsWith('cli/');
      return starts || prints;
    });
    expect(bad).toEqual([]);
  });

  it('runs the tests on the Node that the project pins', () => {
    const wanted = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).devDependencies.node as string;
    expect(process.versions.node.split('.')[0]).toBe(wanted.split('.')[0]);
  });
});
