/**
 * Writes the parts of docs/guide that the program knows best, between their markers: every key of the run file from its
 * schema, every option of every verb from the command line itself. test/docs.test.ts fails when a page is behind.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { VERBS } from '../src/cli/verb-table.ts';
import { runFileJsonSchema } from '../src/protocol/run-file-resolve.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema | false;
  readonly prefixItems?: readonly Schema[];
}

/** What a value may be, in a few words. */
function kindOf(schema: Schema): string {
  const { type, minimum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return [...new Set(branches.map(kindOf))].join(' or ');
  if (type === 'array') {
    if (schema.prefixItems !== undefined) return `list of ${schema.prefixItems.length}`;
    return `list of ${schema.items ? kindOf(schema.items).replace('whole number', 'whole numbers') : 'values'}`;
  }
  if (type === 'number' || type === 'integer') {
    const above =
      exclusiveMinimum !== undefined ? ` > ${exclusiveMinimum}` : minimum !== undefined ? ` ≥ ${minimum}` : '';
    const below = exclusiveMaximum !== undefined ? `, < ${exclusiveMaximum}` : '';
    return `${type === 'integer' ? 'whole number' : 'number'}${above}${below}`;
  }
  if (type === 'boolean') return '`true`, `false`';
  if (type === 'string') return 'text';
  return 'mapping';
}

function defaultOf(schema: Schema, required: boolean, inOptional: boolean): string {
  if (required) return inOptional ? 'required with its section' : '**required**';
  if (schema.default === undefined || schema.type === 'object') return '';
  return `\`${JSON.stringify(schema.default)}\``.replaceAll('"', '').replaceAll(',', ', ');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** What a key means; where it may be written in several ways, each of them. */
function meaningOf({ description = '', anyOf = [] }: Schema): string {
  const ways = anyOf.flatMap((branch) => (branch.description === undefined ? [] : [branch.description]));
  return [description, ...(ways.length > 1 ? [`Either ${ways.join(' Or ')}`] : [])].join(' ');
}

/** Rows of a mapping, those of mappings inside it with their path before them. */
function rowsOf(schema: Schema, prefix: string, inOptional = false): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const required = schema.required?.includes(key) === true && value.default === undefined;
    const absent = inOptional || (!required && value.default === undefined);
    if (value.properties !== undefined) return rowsOf(value, path, absent);
    const row = [`\`${path}\``, kindOf(value), defaultOf(value, required, inOptional), meaningOf(value)];
    return [`| ${row.map(cell).join(' | ')} |`];
  });
}

const HEAD = '| key | value | default | |\n|---|---|---|---|';
const table = (schema: Schema, prefix: string): string => [HEAD, ...rowsOf(schema, prefix)].join('\n');

/** Every key of the run file in Markdown tables, section by section. */
export function runFileReference(): string {
  const schema = runFileJsonSchema() as Schema;
  const sections: string[] = [];
  const plain = Object.entries(schema.properties!).filter(([, { type }]) => type !== 'object' && type !== 'array');
  const top = { ...schema, properties: Object.fromEntries(plain.filter(([key]) => key !== 'reference')) };
  sections.push(`### Top level\n\n${table(top, '')}`);
  for (const [key, value] of Object.entries(schema.properties!)) {
    const branches = value.oneOf ?? value.anyOf ?? (value.items ? (value.items.anyOf ?? value.items.oneOf) : undefined);
    if (value.type !== 'object' && branches === undefined) continue;
    const parts = [`### ${key}`, value.description ?? ''];
    if (branches === undefined) parts.push(table(value, key));
    for (const branch of branches ?? []) {
      const kind = branch.properties?.kind?.const;
      parts.push(kind === undefined ? branch.description! : `\`kind: ${String(kind)}\`: ${branch.description}`);
      parts.push(table(branch, key === 'structures' ? 'structures[]' : key));
    }
    sections.push(parts.join('\n\n'));
  }
  return sections.join('\n\n');
}

/** Arguments and options of every verb in Markdown. */
export async function verbReference(): Promise<string> {
  const sections: string[] = [];
  for (const { name, summary, load } of VERBS) {
    const verb = await load();
    const command = new Command(name);
    verb.configure(command);
    const names = command.registeredArguments.map((argument) => {
      const shown = `${argument.name().toUpperCase()}${argument.variadic ? '…' : ''}`;
      return argument.required ? shown : `[${shown}]`;
    });
    const rows = [
      ...command.registeredArguments.map((argument, i) => [`\`${names[i]}\``, cell(argument.description), '']),
      ...command.options.map((option) => [
        `\`${option.flags}\`${option.mandatory ? ' (required)' : ''}`,
        cell(option.description),
        typeof option.defaultValue === 'string' ? `\`${option.defaultValue}\`` : '',
      ]),
    ];
    const head = `### ${[name, ...names].join(' ')}\n\n${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`;
    if (rows.length === 0) sections.push(head);
    else {
      const body = rows.map((row) => `| ${row.join(' | ')} |`);
      sections.push([head, ['| | | default |\n|---|---|---|', ...body].join('\n')].join('\n\n'));
    }
  }
  return sections.join('\n\n');
}

const BEGIN = '<!-- generated by npm run document -->';
const END = '<!-- end of generated part -->';

/** The page with its generated part replaced. */
export function withGenerated(page: string, generated: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the page must hold "${BEGIN}" and "${END}"`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${generated}\n\n${page.slice(end)}`;
}

/** Pages and what is generated in them. */
export const GENERATED: readonly { readonly page: URL; generate(): string | Promise<string> }[] = [
  { page: new URL('../docs/guide/run-file.md', import.meta.url), generate: runFileReference },
  { page: new URL('../docs/guide/command-line.md', import.meta.url), generate: verbReference },
];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { page, generate } of GENERATED)
    writeFileSync(page, withGenerated(readFileSync(page, 'utf8'), await generate()));
}
