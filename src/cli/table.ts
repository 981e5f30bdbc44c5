/** A column of a table: its header (with the unit) and how its cells are aligned. */
export interface TableColumn {
  readonly header: string;
  readonly align?: 'left' | 'right';
  /** Neighbouring columns of the same group share this title, in a line above their headers. */
  readonly group?: string;
}

const GAP = '  ';

/** Columns with the same group side by side: title (or '') and how many. */
function groupsOf(columns: readonly TableColumn[]): { title: string; count: number }[] {
  const groups: { title: string; count: number }[] = [];
  for (const { group = '' } of columns) {
    const last = groups.at(-1);
    if (last?.title === group) last.count++;
    else groups.push({ title: group, count: 1 });
  }
  return groups;
}

/** The line of group titles, each centred over its columns, which are widened (the first of a group) where they must. */
function groupLine(columns: readonly TableColumn[], widths: number[]): string {
  let c = 0;
  const cells = groupsOf(columns).map(({ title, count }) => {
    const width = (): number => widths.slice(c, c + count).reduce((sum, w) => sum + w, GAP.length * (count - 1));
    widths[c]! += Math.max(0, title.length - width());
    const left = Math.floor((width() - title.length) / 2);
    const cell = (' '.repeat(left) + title).padEnd(width());
    c += count;
    return cell;
  });
  return cells.join(GAP).trimEnd();
}

/** Lines of a plain-text table: two spaces between columns, a rule under the headers. */
export function renderTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, c) => Math.max(column.header.length, ...rows.map((row) => row[c]!.length)));
  const titles = columns.some(({ group }) => group !== undefined) ? [groupLine(columns, widths)] : [];
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, c) => (columns[c]!.align === 'left' ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join(GAP)
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join(GAP);
  return `${[...titles, line(columns.map((column) => column.header)), rule, ...rows.map(line)].join('\n')}\n`;
}

/** A number for a table: some significant digits, a dash for what is not there. */
export function cell(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '-';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(digits - 1);
  return value.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
}

/** A share as a percentage with one decimal. */
export function percent(value: number | null | undefined): string {
  return value === null || value === undefined || Number.isNaN(value) ? '-' : `${(100 * value).toFixed(1)} %`;
}
