/** What README and docs promise: links that lead somewhere, scripts and verbs that exist, generated parts that are current. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { GENERATED, withGenerated } from '../scripts/document.ts';
import { VERBS } from '../src/cli/verb-table.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGES = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
].map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));

/** Anchor of a heading as GitHub makes it. */
function anchorOf(heading: string): string {
  const plain = heading.replace(/`/g, '').trim().toLowerCase();
  return plain.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
}

function anchors(text: string): string[] {
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map((match) => anchorOf(match[1]!));
}

describe('documentation', () => {
  it('links to what is there', () => {
    const dead: string[] = [];
    for (const { file, text } of PAGES) {
      for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target!)) continue;
        const [path, anchor] = target!.split('#');
        const place = path === '' ? join(ROOT, file) : resolve(ROOT, dirname(file), path!);
        if (!existsSync(place)) dead.push(`${file}: ${target}`);
        else if (anchor && (statSync(place).isDirectory() || !anchors(readFileSync(place, 'utf8')).includes(anchor)))
          dead.push(`${file}: ${target} (no such heading)`);
      }
    }
    expect(dead).toEqual([]);
  });

  it('names source files, folders and pages that exist', () => {
    const missing: string[] = [];
    for (const { file, text } of PAGES) {
      for (const [, path] of text.matchAll(/`((?:src|test|docs|examples|scripts|bench|assembly|bin)\/[\w./-]+)`/g)) {
        if (!path!.includes('<') && !existsSync(join(ROOT, path!))) missing.push(`${file}: ${path}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const scripts = Object.keys(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts);
    const unknown: string[] = [];
    for (const { file, text } of PAGES) {
      for (const [, name] of text.matchAll(/npm run (?:-s )?([\w:-]+)/g))
        if (!scripts.includes(name!)) unknown.push(`${file}: ${name}`);
    }
    expect(unknown).toEqual([]);
  });

  it('names verbs and options that exist', async () => {
    const commands = new Map<string, string[]>();
    for (const { name, load } of VERBS) {
      const command = new Command(name);
      (await load()).configure(command);
      commands.set(name, [...command.options.map((option) => option.long!), '--help']);
    }
    const unknown: string[] = [];
    for (const { file, text } of PAGES) {
      // Commands stand in code: a line of a block, or an inline span.
      const code = [...text.matchAll(/```[\s\S]*?```|`[^`\n]+`|^ {4,}.+$/gm)].map((match) => match[0]);
      for (const line of code.flatMap((part) => part.split('\n'))) {
        const found = /(?:^|[\s`(]|-- )querent (?:-- )?([a-z-]+)(.*)$/.exec(line);
        if (found === null || found[1]!.startsWith('-')) continue;
        const [, verb, rest] = found;
        const options = commands.get(verb!);
        if (options === undefined) unknown.push(`${file}: querent ${verb}`);
        for (const [option] of rest!.replace(/#.*/, '').matchAll(/--[a-z][\w-]*/g))
          if (options !== undefined && !options.includes(option)) unknown.push(`${file}: querent ${verb} ${option}`);
      }
    }
    expect(unknown).toEqual([]);
  });

  it('lists every field of the JSON that the verbs print', () => {
    const page = PAGES.find(({ file }) => file === join('docs', 'guide', 'command-line.md'))!.text;
    const missing: string[] = [];
    for (const [file, name, rows] of [
      ['src/loop/status.ts', 'StatusReport', '`run`, `status`'],
      ['src/loop/explain.ts', 'RunExplanation', '`explain DIR`'],
      ['src/loop/explain.ts', 'LabelExplanation', '`explain DIR ID`'],
      ['src/node/training/predict.ts', 'StructurePrediction', '`predict`'],
    ] as const) {
      const text = readFileSync(join(ROOT, file), 'utf8');
      const start = text.indexOf(`export interface ${name} {`);
      const body = text.slice(start, text.indexOf('\n}', start));
      const row = page.split('\n').find((line) => line.startsWith(`| ${rows} |`)) ?? '';
      for (const [, field] of body.matchAll(/^ {2}readonly (\w+)/gm))
        if (!new RegExp(`\\b${field}\\b`).test(row)) missing.push(`${rows}: ${field}`);
    }
    expect(missing).toEqual([]);
  });

  it('has a page of theory for every stage that ARCHITECTURE.md names', () => {
    const architecture = PAGES.find(({ file }) => file === 'ARCHITECTURE.md')!.text;
    const pages = [...architecture.matchAll(/\(docs\/theory\/([\w-]+)\.md\)/g)].map((match) => match[1]!);
    expect(pages.length).toBeGreaterThanOrEqual(10);
  });

  it.each(GENERATED.map(({ page, generate }) => [relative(ROOT, fileURLToPath(page)), page, generate] as const))(
    '%s is what the program says (npm run document writes it)',
    async (_, page, generate) => {
      const text = readFileSync(page, 'utf8');
      expect(text).toBe(withGenerated(text, await generate()));
    },
  );
});
